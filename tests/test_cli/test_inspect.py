"""``mmlth inspect`` prints and writes the functions' numbers; bad input is one line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toy import ToyModel, toy_config

from mmlth.analysis import compare_tickets
from mmlth.analysis.cost import sizes, stored
from mmlth.analysis.cost.model_macs import model_macs
from mmlth.analysis.masks import layers
from mmlth.commands import inspect
from mmlth.engine import build_model
from mmlth.pruning import Mask, prune
from mmlth.report.inspection.density_plot import plot_densities
from mmlth.ticket import Ticket, load_ticket, save_ticket
from mmlth_cli.main import main

NAMES = ('conv.weight', 'depthwise.weight', 'fc.weight')


@pytest.fixture
def tickets(tmp_path):
    """Two rounds of a toy model."""
    config = toy_config(tmp_path)
    torch.manual_seed(0)
    weights = build_model(config).state_dict()
    mask = Mask.dense({name: weights[name] for name in NAMES})
    paths = []
    for number, sparsity in ((1, 0.5), (2, 0.75)):
        mask = prune({name: weights[name] for name in NAMES}, mask, sparsity=sparsity)
        weights = {k: v * mask[k] + 0.0 if k in mask else v for k, v in weights.items()}
        info = {
            'round': number,
            'parameters': 400,
            'metrics': {'toy/accuracy': 0.9, 'toy/nothing': float('nan'), 'toy/absent': -1},
            'config': config.to_dict(),
        }
        paths.append(tmp_path / f'round_{number:02}.safetensors')
        save_ticket(Ticket(mask, weights, info), paths[-1])
    return [str(path) for path in paths]


def strict(text):
    return json.loads(text, parse_constant=lambda name: pytest.fail(f'{name} is no JSON'))


def test_json_of_one_ticket(tickets, capsys, monkeypatch):
    forward = ToyModel.forward
    noisy = lambda self, *given, **named: print('noise') or forward(self, *given, **named)  # noqa: E731
    monkeypatch.setattr(ToyModel, 'forward', noisy)
    assert main(['inspect', tickets[1], '--input-size', '6', '8', '--json']) == 0
    content = strict(capsys.readouterr().out)
    (result,) = content['tickets']
    ticket = load_ticket(tickets[1])
    assert content['comparison'] is None
    assert result['sparsity'] == ticket.mask.sparsity == 0.75
    assert result['network_sparsity'] == (ticket.mask.total - ticket.mask.kept) / 400
    assert result['provenance']['round'] == 2
    assert result['provenance']['metrics'] == {
        'toy/accuracy': 0.9,
        'toy/nothing': None,
        'toy/absent': -1,
    }
    assert [(x['name'], x['kept'], x['density']) for x in result['layers']] == [
        (layer.name, layer.kept, layer.density) for layer in layers(ticket.mask)
    ]
    zero, of = layers(ticket.mask)[0].kernels
    assert result['layers'][0]['kernels'] == {'zero': zero, 'of': of}
    assert result['sizes'] == vars(sizes(ticket.mask, ticket.weights))
    assert result['file'] == vars(stored(tickets[1]))
    macs = model_macs(ticket, 6, 8).macs
    assert result['macs']['dense'] == macs.dense == 48 * 216 + 48 * 72 + 16
    assert result['macs']['sparse'] == macs.sparse(ticket.mask) < macs.dense
    assert [work['name'] for work in result['macs']['layers']] == list(NAMES)


def test_json_of_two_tickets_in_a_file_beside_the_tables(tickets, tmp_path, capsys):
    path = tmp_path / 'numbers.json'
    assert main(['inspect', *tickets, '--json', str(path)]) == 0
    result = strict(path.read_text())
    expected = compare_tickets(*map(load_ticket, tickets))
    assert [ticket['path'] for ticket in result['tickets']] == tickets
    assert result['tickets'][0]['macs'] is None
    assert result['comparison']['iou'] == expected.iou == pytest.approx(0.5, abs=0.01)
    assert result['comparison']['chance_iou'] == expected.chance_iou
    assert result['comparison']['nested'] is True
    assert [x['density'] for x in result['comparison']['layers']] == [
        list(pair.densities) for pair in expected.layers
    ]
    printed = capsys.readouterr().out
    assert 'Ticket 2 nests in ticket 1' in printed
    assert '75.00% of the 304 prunable weights (76 kept, 228 removed)' in printed


def test_tables_of_one_ticket(tickets, capsys):
    assert main(['inspect', tickets[0], '--input-size', '6', '8']) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    (row,) = [line.split() for line in lines if line.startswith('depthwise ') and '×' in line]
    layer = layers(load_ticket(tickets[0]).mask)[1]
    assert row[1:4] == ['8×1×3×3', '72', f'{layer.density:.2%}']
    assert any(line.startswith('toy/nothing') and line.split()[1] == '–' for line in lines)
    assert 'MACs of ToyModel for an image of 6 × 8: 13.84 k dense' in captured.out
    assert captured.err == 'counting the MACs for 6 × 8 pixels ...\n'


@pytest.mark.parametrize('command', ['inspect', 'convert'])
def test_what_reads_the_output_may_leave_early(tickets, tmp_path, command):
    read, write = os.pipe()
    os.close(read)  # as `| head` does once it has its lines
    more = [str(tmp_path / 'dense.pth')] if command == 'convert' else []
    buffered = {key: value for key, value in os.environ.items() if key != 'PYTHONUNBUFFERED'}
    result = subprocess.run(  # noqa: S603
        [sys.executable, '-m', 'mmlth', command, tickets[0], *more],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
        env=buffered,
    )
    os.close(write)
    assert result.returncode in (141, 1)  # 1 where rich, which is newer there, sees it first
    assert result.stderr == ''


def test_another_broken_pipe_is_told(tickets, monkeypatch, capfd):
    def broken(options):
        raise BrokenPipeError('of a worker')

    monkeypatch.setattr(inspect, 'run', broken)
    with pytest.raises(BrokenPipeError, match='of a worker'):
        main(['inspect', tickets[0]])


def test_a_plot(tickets, tmp_path):
    path = tmp_path / 'density.png'
    assert main(['inspect', *tickets, '--plot', str(path)]) == 0
    assert path.stat().st_size > 1000


def test_a_plot_shows_the_densities_in_the_order_of_the_tickets(tickets, tmp_path):
    one, two, expected = (tmp_path / f'{name}.svg' for name in ('one', 'two', 'expected'))
    result = {path: load_ticket(path).mask for path in tickets}
    legend = [(Path(path).name, mask.density) for path, mask in result.items()]
    densities = [[layer.density for layer in layers(mask)] for mask in result.values()]
    for path, number in ((one, 1), (two, 2)):
        assert main(['inspect', *tickets[:number], '--plot', str(path)]) == 0
        plot_densities(dict(zip(NAMES, zip(*densities[:number]))), legend[:number], expected)
        assert path.read_text() == expected.read_text()


def test_a_ticket_that_tells_nothing_of_itself(tickets, tmp_path, capsys):
    untold = {'metrics': 3, 'lottery': 'x', 'parameters': 1}  # fewer than are masked
    path = str(tmp_path / 'foreign.safetensors')
    save_ticket(Ticket(load_ticket(tickets[0]).mask, None, untold), path)
    assert main(['inspect', path]) == 0
    assert 'unknown: the ticket does not tell' in capsys.readouterr().out
    assert main(['inspect', path, '--json']) == 0
    (result,) = strict(capsys.readouterr().out)['tickets']
    assert (result['sizes'], result['parameters'], result['network_sparsity']) == (None, None, None)


def line_on_error(arguments, capsys):
    assert main(['inspect', *map(str, arguments)]) == 1
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith('mmlth: ')]
    return line


def test_bad_files(tickets, tmp_path, capsys):
    first = tickets[0]
    assert 'round_01.safetensors' in line_on_error([tmp_path], capsys)
    assert 'round_01.safetensors' in line_on_error([tmp_path / 'round_1.safetensors'], capsys)
    assert 'WORK_DIR/tickets' in line_on_error([tmp_path / 'none/a.safetensors'], capsys)
    (tmp_path / 'text').write_text('text')
    assert 'no ticket that can be read' in line_on_error([tmp_path / 'text'], capsys)
    damaged = Path(shutil.copy(first, tmp_path / 'damaged.safetensors'))
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert 'damaged.safetensors' in line_on_error([damaged], capsys)
    missing = tmp_path / 'text/plot.png'
    assert 'cannot be written' in line_on_error([first, '--plot', missing], capsys)


def test_bad_options(tickets, tmp_path, capsys):
    first, second = tickets
    for given in (['640', 'x'], ['0', '640'], ['-1', '5'], ['6.5', '8']):
        line = line_on_error([first, '--input-size', *given], capsys)
        assert 'two positive whole numbers' in line
        assert line.endswith(' '.join(given))
    assert '.png or .svg' in line_on_error([first, '--plot', 'x.pdf'], capsys)
    assert '--input-size' in line_on_error([first, '--config', 'x.py'], capsys)
    before = Path(second).read_bytes()
    assert 'would overwrite' in line_on_error([first, '--json', second], capsys)
    assert Path(second).read_bytes() == before


def test_tickets_and_configs_that_do_not_belong_together(tickets, tmp_path, capsys):
    other = tmp_path / 'other.safetensors'
    save_ticket(Ticket(Mask({'fc.weight': torch.ones(3, 8, dtype=torch.bool)}), None), other)
    assert '(fc.weight: 2 × 8 and 3 × 8)' in line_on_error([tickets[0], other], capsys)
    assert '--config' in line_on_error([other, '--input-size', '6', '6'], capsys)
    toy_config(tmp_path).dump(tmp_path / 'toy.py')
    arguments = [other, '--input-size', '6', '6', '--config', tmp_path / 'toy.py']
    assert 'fc.weight of shape (3, 8)' in line_on_error(arguments, capsys)
