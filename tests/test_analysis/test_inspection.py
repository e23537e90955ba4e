"""What a ticket says of itself is shown as far as it makes sense, whatever it is."""

import io

import numpy as np
import pytest
import torch
from rich.console import Console

from mmlth.analysis import inspect_ticket
from mmlth.pruning import Mask
from mmlth.report.inspection import inspection_json, print_inspection
from mmlth.ticket import Ticket, save_ticket


def inspected(path, info):
    save_ticket(Ticket(Mask({'w': torch.tensor([True, False])}), None, info), path)
    inspection, text = inspect_ticket(path), io.StringIO()
    print_inspection(Console(file=text, width=200), [inspection])
    inspection_json(inspection)
    return text.getvalue()


@pytest.mark.parametrize(
    ('value', 'shown'),
    [
        (0.25, '0.250'),
        (-1, '–'),
        (10**400, '–'),
        (-(10**400), '–'),
        (float('nan'), '–'),
        (float('inf'), '–'),
        ('high', '–'),
        (None, '–'),
        (torch.ones(2), '–'),
        (np.float64(0.5), '0.500'),
    ],
)
def test_metrics(tmp_path, value, shown):
    text = inspected(tmp_path / 't', {'metrics': {'AP': value}})
    (line,) = [line for line in text.splitlines() if line.startswith('AP')]
    assert line.split() == ['AP', shown]


ODD = [10**400, 'x', [1], torch.ones(2), np.ones(2), {1: 2}, {'a': [torch.ones(2)]}, ('x',)]
KEYS = ['round', 'seed', 'rewind', 'versions', 'parent_sha256', 'config_sha256', 'metrics']


@pytest.mark.parametrize('odd', ODD, ids=lambda odd: type(odd).__name__)
def test_anything_else(tmp_path, odd):
    info = {'config': odd, 'parameters': odd, **dict.fromkeys(KEYS, odd)}
    assert '50.00% of the 2 prunable weights' in inspected(tmp_path / 't', info)
    info = {'config': {'model': odd, 'lottery': odd}}
    assert '50.00% of the 2 prunable weights' in inspected(tmp_path / 't', info)
    info = {'config': {'model': {'type': odd}}}
    assert '50.00% of the 2 prunable weights' in inspected(tmp_path / 't', info)
