"""``mmlth connect`` on tickets of a search."""

import math

import matplotlib.image
import pytest
from kit import csv_rows
from toy import toy_config

from mmlth import load_ticket
from mmlth_cli.main import main


@pytest.fixture(scope='module')
def search(toy_search, tmp_path_factory):
    """A folder with a search and its config file."""
    folder = tmp_path_factory.mktemp('search')
    (folder / 'work').symlink_to(toy_search)
    toy_config(folder / 'work').dump(folder / 'toy.py')
    return folder


def connect(search, first, second, *options):
    paths = [str(search / 'work' / name) for name in (first, second)]
    return main(['connect', str(search / 'toy.py'), *paths, *map(str, options)])


@pytest.mark.parametrize('more', [(), ('--recompute-statistics', 3)])
def test_from_the_dense_model_to_a_ticket(search, tmp_path, capsys, more):
    ends = 'tickets/round_00.safetensors', 'tickets/round_02.safetensors'
    assert connect(search, *ends, '--points', 3, '--work-dir', tmp_path, *more) == 0
    result = csv_rows(tmp_path / 'connect.csv')
    assert [row['t'] for row in result] == ['0.0', '0.5', '1.0']
    told = [load_ticket(search / 'work' / end) for end in ends]
    if not more:
        measured = [float(result[i]['toy/accuracy']) for i in (0, 2)]
        assert measured == [ticket.info['metrics']['toy/accuracy'] for ticket in told]
    layers = csv_rows(tmp_path / 'distances.csv')
    assert [row['layer'] for row in layers] == [*told[1].mask, 'all']
    assert int(layers[-1]['weights']) == told[1].mask.kept
    squared = sum(
        float((told[0].weights[n] - told[1].weights[n])[kept].double().square().sum())
        for n, kept in told[1].mask.items()
    )
    assert float(layers[-1]['l2']) == pytest.approx(math.sqrt(squared))
    assert matplotlib.image.imread(tmp_path / 'connect.png').ndim == 3
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0].split() == ['t', 'accuracy']
    assert 'barrier' in printed.out
    assert f'of the {told[1].mask.kept} weights that both keep: L2 ' in printed.out
    assert printed.err.count('t = ') == 3


def test_checkpoints_and_an_origin(search, tmp_path):
    ends = 'round_00/epoch_3.pth', 'round_01/epoch_3.pth'
    origin = search / 'work/rewind.safetensors'
    common = '--points', 2, '--work-dir'
    assert connect(search, *ends, *common, tmp_path / 'with', '--origin', origin) == 0
    assert connect(search, *ends, *common, tmp_path / 'without') == 0
    totals = [csv_rows(tmp_path / name / 'distances.csv')[-1] for name in ('with', 'without')]
    assert totals[0]['l2'] == totals[1]['l2']
    assert totals[0]['angle'] != totals[1]['angle']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('no.safetensors', 'round_00/epoch_3.pth'), 'no.safetensors'),
        (('round_00/epoch_3.pth', 'round_01/epoch_3.pth', '--points', 1), '--points takes 2'),
    ],
)
def test_bad_input_in_one_line(search, tmp_path, capsys, arguments, message):
    assert connect(search, *arguments, '--work-dir', tmp_path) == 1
    error = capsys.readouterr().err.strip()
    assert message in error
    assert error.startswith('mmlth: ')
    assert '\n' not in error
