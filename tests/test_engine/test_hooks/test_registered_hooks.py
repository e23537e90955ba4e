"""Each hook that is registered can be built from a config."""

import re

import pytest
import torch

from mmlth import Mask, Ticket, save_ticket
from mmlth.engine.hooks import MaskHook
from mmlth.registry import HOOKS

HOOKS.import_from_location()


@pytest.mark.parametrize('name', sorted(HOOKS.module_dict))
def test_a_hook_is_built_as_its_docstring_says(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    save_ticket(Ticket(Mask({'w': torch.tensor([True, False])}), None), 'ticket.safetensors')
    kind = HOOKS.get(name)
    example = re.search(rf"dict\(type='mmlth\.{name}'[^()]*\)", kind.__doc__)
    assert example is not None, f'the docstring of {name} shows no config'
    hook = HOOKS.build(eval(example.group()))  # noqa: S307
    assert type(hook) is kind


def test_what_only_a_search_can_build_is_not_registered():
    assert set(HOOKS.module_dict) == {
        'MaskHook',
        'AccelerateHook',
        'BayesianHook',
        'PruningHook',
        'DistilHook',
        'RSTHook',
        'ResumeHook',
        'TicketSaver',
        'ValidationLossHook',
    }
    assert HOOKS.get('mmlth.MaskHook') is MaskHook
