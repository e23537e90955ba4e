"""``mmlth soup`` from a search and its branches by data order to a ticket."""

import itertools
import json
import shutil

import pytest
import torch
from kit import ticket_of
from mmengine.runner import Runner
from toy import toy_config

import mmlth
from mmlth import load_ticket
from mmlth.engine.evaluation import Evaluation
from mmlth_cli.main import main


@pytest.fixture(scope='module')
def trunk(tmp_path_factory):
    """A search with two branches that saw the data in other orders."""
    work_dir = tmp_path_factory.mktemp('search') / 'work'
    config = toy_config(work_dir)
    config.lottery.rounds = 1
    Runner.from_cfg(config).train()
    for seed in (0, 1):
        mmlth.branch(work_dir, 'data_order', seed=seed)
    return work_dir


@pytest.fixture(scope='module')
def tickets(trunk):
    folders = (trunk, *(trunk / 'branches' / name for name in ('data_order', 'data_order-seed_1')))
    return [str(folder / 'tickets/round_01.safetensors') for folder in folders]


def test_a_search_its_branches_and_their_soup(trunk, tickets, tmp_path, capsys):
    out = tmp_path / 'soup.safetensors'
    assert main(['soup', *tickets, '--out', str(out), '--batches', '6']) == 0
    printed = capsys.readouterr().out
    assert printed.count('\n') == 1
    assert f'{out} written' in printed
    assert 'the mean of 3 tickets, 76 of 304 prunable weights kept, sparsity 75.00%' in printed
    assert 'running statistics computed from 6 batches (layers: 1)' in printed
    soup, parts = load_ticket(out), [load_ticket(path) for path in tickets]
    assert {part.mask == soup.mask for part in parts} == {True}
    weights = [part.weights['conv.weight'] for part in parts]
    assert not any(torch.equal(a, b) for a, b in itertools.pairwise(weights))
    mean = torch.stack(weights).double().mean(0).float()
    assert torch.allclose(soup.weights['conv.weight'], mean, rtol=1e-6, atol=0)
    means = torch.stack([part.weights['bn.running_mean'] for part in parts]).mean(0)
    assert not torch.equal(soup.weights['bn.running_mean'], means)

    assert main(['inspect', str(out), '--json']) == 0
    provenance = json.loads(capsys.readouterr().out)['tickets'][0]['provenance']
    names = [each['name'] for each in provenance['soup']['tickets']]
    assert sorted(names) == [
        'branches/data_order-seed_1/tickets/round_01.safetensors',
        'branches/data_order/tickets/round_01.safetensors',
        'tickets/round_01.safetensors',
    ]
    assert provenance['rewind'] == json.loads(json.dumps(parts[0].info['rewind']))
    assert main(['inspect', str(out), '--input-size', '6', '6']) == 0
    shown = ' '.join(capsys.readouterr().out.split())
    assert 'soup the mean of 3 tickets: ' in shown
    assert 'running statistics from 6 batches' in shown
    assert 'MACs of ToyModel' in shown

    ordinary = toy_config(tmp_path / 'run', load_from=str(out))
    ordinary.pop('lottery')
    metrics = Runner.from_cfg(ordinary).val()
    assert metrics['toy/accuracy'] > 0.7
    assert metrics == Evaluation(ordinary, tmp_path / 'alone')(soup.state_dict())
    training = toy_config(tmp_path / 'training', lottery={'ticket': str(out)})
    Runner.from_cfg(training).train()
    trained = load_ticket(tmp_path / 'training/epoch_3.safetensors')
    assert trained.mask == soup.mask


def test_of_moved_tickets_the_config_is_to_be_given(trunk, tickets, tmp_path, capsys):
    places = [tmp_path / f'{number}.safetensors' for number in range(len(tickets))]
    moved = [str(shutil.copy(path, place)) for path, place in zip(tickets, places)]
    options = ['--out', str(tmp_path / 'soup.safetensors'), '--batches', '2']
    assert main(['soup', *moved, *options]) == 1
    assert 'needs training data: give a config' in capsys.readouterr().err
    toy_config(tmp_path / 'run').dump(tmp_path / 'toy.py')
    given = ['--config', str(tmp_path / 'toy.py')]
    assert main(['soup', *moved, *options, *given]) == 0
    there = tmp_path / 'there.safetensors'
    assert main(['soup', *tickets, '--out', str(there), '--batches', '2']) == 0
    first, second = (load_ticket(path).weights for path in (options[1], there))
    assert all(torch.equal(first[name], second[name]) for name in second)
    wider = ['--cfg-options', 'train_dataloader.batch_size=12']
    assert main(['soup', *tickets, *options, '--force', *wider]) == 0
    changed = load_ticket(options[1]).weights
    assert {n for n in second if not torch.equal(second[n], changed[n])} == {
        'bn.running_mean',
        'bn.running_var',
    }


def test_searches_on_other_data_are_told_apart(trunk, tickets, tmp_path, capsys):
    """Without a word the statistics would be those of whichever comes first."""
    other = shutil.copytree(trunk, tmp_path / 'other')
    state = json.loads((other / 'search.json').read_text())
    text = json.dumps(state).replace('"batch_size": 4', '"batch_size": 8')
    (other / 'search.json').write_text(text)
    theirs = str(other / 'tickets/round_01.safetensors')
    out = ['--out', str(tmp_path / 'soup.safetensors')]
    assert main(['soup', tickets[1], theirs, *out]) == 1
    error = capsys.readouterr().err
    assert 'tell different models or training data: train_dataloader.batch_size: ' in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ('number', 'options', 'message'),
    [
        (1, ['--out', 'soup.safetensors'], 'mean of two tickets or more, got 1'),
        (2, ['--out', 'soup.pth'], '(--out) takes a name that ends in .safetensors, got soup.pth'),
        (2, ['--out', 'gone/soup.safetensors'], 'there is no folder gone'),
        (2, ['--out', 'there.safetensors'], 'there.safetensors exists; give another name, or'),
        (2, ['--out', 'soup.safetensors', '--batches', '0'], 'must be 1 or more, got 0'),
    ],
)
def test_bad_input_in_one_line(tickets, tmp_path, monkeypatch, capsys, number, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'there.safetensors').touch()
    assert main(['soup', *tickets[:number], *options]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ['there.safetensors']


def test_other_masks_and_files_that_are_read(trunk, tickets, tmp_path, capsys):
    dense = str(trunk / 'tickets/round_00.safetensors')
    assert main(['soup', tickets[0], dense, '--out', str(tmp_path / 'soup.safetensors')]) == 1
    assert '228 of 304 weights are kept by one of them alone' in capsys.readouterr().err
    before = ticket_of(trunk, 1).weights['conv.weight']
    assert main(['soup', *tickets, '--out', tickets[0], '--force']) == 1
    assert 'is read from and cannot be written to' in capsys.readouterr().err
    assert torch.equal(ticket_of(trunk, 1).weights['conv.weight'], before)
