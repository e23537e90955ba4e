"""``mmlth bench``: a real run of a toy ticket, and bad input in one line."""

import importlib.util
import json
import re

import pytest
import torch
from kit import csv_rows
from speeds import speed
from toy import ToyModel, toy_config

from mmlth.engine.configs.decisive_settings import result_affecting_config
from mmlth.pruning import attach_mask, attached_mask, find_targets, prune
from mmlth.ticket import Ticket, save_ticket
from mmlth_cli.main import main

NETWORK = ['--part', 'network', '--input', '12', '16']
IN_TORCH = [
    'mmlth',
    'PyTorch',
    'PyTorch, channels last',
    'PyTorch, folded',
    'PyTorch, folded, channels last',
]
OTHERS = {
    'ONNX Runtime': 'onnxruntime',
    'OpenVINO': 'openvino',
    'MNN': 'MNN',
    'MNN, sparse': 'MNN',
}
INSTALLED = [*IN_TORCH, *(n for n, p in OTHERS.items() if importlib.util.find_spec(p))]


@pytest.fixture
def ticket(tmp_path):
    """A ticket of the toy model that carries its config."""
    torch.manual_seed(0)
    model = ToyModel()
    weights = {target.name: target.parameter.detach() for target in find_targets(model)}
    attach_mask(model, prune(weights, sparsity=0.8, floor=0.1))
    info = {'config': result_affecting_config(toy_config(tmp_path), {})}
    path = tmp_path / 'ticket.safetensors'
    save_ticket(Ticket(attached_mask(model), model.state_dict(), info), path)
    return path


def test_all_that_is_installed_is_measured(ticket, tmp_path, capfd):
    arguments = [*NETWORK, '--threads', '1', '2', '--rounds', '6', '--out', str(tmp_path / 'out')]
    assert main(['bench', str(ticket), *arguments, '--json']) == 0
    printed = json.loads(capfd.readouterr().out)  # and nothing else

    assert printed == json.loads((tmp_path / 'out/bench.json').read_text())
    assert (printed['size'], printed['part'], printed['rounds']) == ([12, 16], 'network', 6)
    assert printed['sparsity'] == pytest.approx(0.8, abs=0.01)
    timings = printed['timings']
    assert [(t['threads'], t['contender']) for t in timings] == [
        (threads, name) for threads in (1, 2) for name in INSTALLED
    ]
    for timing in timings:
        assert timing['error'] is None, timing
        assert len(timing['milliseconds']) == 6
        assert min(timing['milliseconds']) > 0
        assert timing['difference'] < 1e-4
    notes = {timing['contender']: timing['note'] for timing in timings}
    assert re.search('layers sparse|faster as a whole', notes['mmlth'])
    assert [layer['name'] for layer in timings[0]['layers']]
    assert set(printed['absent']) == OTHERS.keys() - set(INSTALLED)
    assert len(csv_rows(tmp_path / 'out/bench.csv')) == len(timings)
    assert (tmp_path / 'out/bench.png').stat().st_size > 5000


@pytest.fixture
def made_up(monkeypatch):
    """Instead of measuring, something is printed and numbers are made up."""

    def measure(*arguments, **options):
        print('what a package prints')
        return speed().timings

    monkeypatch.setattr('mmlth.analysis.speed.tickets.measure', measure)


@pytest.mark.usefixtures('made_up')
def test_json_stands_alone(ticket, tmp_path, capsys):
    assert main(['bench', str(ticket), *NETWORK, '--json', '--out', str(tmp_path / 'out')]) == 0
    assert len(json.loads(capsys.readouterr().out)['timings']) == 8


@pytest.mark.usefixtures('made_up')
def test_without_json_it_prints_a_table_and_where_the_plot_is(
    ticket, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(['bench', str(ticket), *NETWORK]) == 0
    printed = capsys.readouterr().out
    assert 'ToyModel, network, one image of 12 × 16 pixels' in printed
    assert printed.splitlines()[-1] == 'plot: work_dirs/ticket_bench/bench.png'


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--threads', '0'], '--threads and --rounds take 1 or more, got 0 and 15'),
        (['--rounds', '-1'], 'got 1 and -1'),
        (['--part', 'features'], 'has no `extract_feat`'),
        (['--input', '0', '8'], '--input-size (size) must be two numbers from 1 to 16384'),
    ],
)
def test_bad_input_is_one_line(arguments, words, ticket, tmp_path, capsys):
    out = tmp_path / 'out'
    assert main(['bench', str(ticket), *NETWORK, '--out', str(out), *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('mmlth: ')
    assert words in line
    assert not out.exists()


def test_files_that_are_gone(ticket, tmp_path, capsys):
    assert main(['bench', str(ticket), 'gone.py', *NETWORK]) == 1
    assert 'gone.py' in capsys.readouterr().err
    assert main(['bench', str(tmp_path / 'gone.safetensors')]) == 1
    assert 'gone.safetensors does not exist' in capsys.readouterr().err
