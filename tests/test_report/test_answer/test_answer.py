"""Which ticket answers a search, and what the first screen says of it."""

import json
import shlex
from pathlib import Path

import pytest
import torch
from kit import record, search_by, ticket_of
from rich.table import Table
from toy import toy_config

import mmlth
from mmlth import load_ticket
from mmlth.pruning.scores.grasp import DIFFERENCE
from mmlth.report.answer.section import answer_section
from mmlth.report.answer.winning_ticket import find_winning_ticket, sentence
from mmlth.report.page import Code, Details
from mmlth.report.page.table_cells import cells
from mmlth.report.searches import (
    LineComparison,
    LinePoint,
    Search,
    Searches,
    compare_searches,
    read_searches,
)
from mmlth.report.writing import write_report
from mmlth.report.writing.settings_section import settings_section
from mmlth_cli.main import main


def line(*values, metric='AP', dense=(0.5, 0.52)):
    """Tickets at 50, 60, … % with the values of each seed, beside a dense model of 0.51 ± 0.014."""
    points = [LinePoint((5 + n) / 10, (5 + n) / 20, seeds) for n, seeds in enumerate(values)]
    return LineComparison(metric, LinePoint(0, 0, dense), {'ticket': points} if points else {})


def single(search, metric=None):
    return Searches((search,), ((),), metric)


@pytest.mark.parametrize(
    ('comparison', 'expected'),
    [
        (line((0.5, 0.52), (0.49, 0.51), (0.45, 0.5)), 0.6),  # 0.5 ≥ 0.51 − 0.014 > 0.475
        (line((0.5, 0.52), (0.4, 0.4), (0.6, 0.6)), 0.7),  # a sparser one wins again
        (line((0.4, 0.4)), None),
        (line((0.5, 0.53), (0.52, 0.52), (0.54, 0.54), metric='val_loss'), 0.6),  # lower is better
        (line((0.5,), (0.499,), dense=(0.5,)), 0.5),  # one seed: no worse than dense
        (line((0.499,), dense=(0.5,)), None),
        (line((0.5,), (0.501,), dense=(0.5,), metric='val_loss'), 0.5),
    ],
)
def test_the_sparsest_winning_ticket(comparison, expected):
    result = find_winning_ticket(comparison)
    assert (result.ticket and result.ticket.sparsity) == expected
    said = sentence(result)
    if expected is None:
        assert said.startswith('No ticket')
    else:
        assert f'keeps {1 - expected:.1%} of the prunable weights' in said
        assert f'{expected / 2:.2%} of the whole network' in said
    assert ('run more seeds' in said) == (expected is not None and not result.by_rule)


def test_nothing_wins_beside_a_dense_model_that_finds_nothing():
    result = find_winning_ticket(line((0.0,), (0.0002,), dense=(0.0,)))
    assert result.ticket is None
    assert sentence(result) == (
        'The dense model reaches 0.000 AP, so that nothing can be said of a ticket: train the '
        'dense model until it is of use, then search.'
    )
    loss = find_winning_ticket(line((0.0,), dense=(0.0,), metric='val_loss'))
    assert loss.ticket is not None


def test_no_pruned_round_yet():
    assert sentence(find_winning_ticket(line())) == (
        'The dense model reaches 0.510 ± 0.014 AP; no pruned round is done yet.'
    )


def test_a_sparsity_that_not_all_seeds_have_trained_wins_not_yet():
    comparison = line((0.5, 0.52), (0.6,))
    assert find_winning_ticket(comparison).ticket.sparsity == 0.5
    assert comparison.lines['ticket'][1].wins(comparison.dense, 'AP') is None


def test_the_search_that_has_trained_the_winner():
    short, long = (
        Search(Path(name), {}, [{'sparsity': each} for each in sparsities])
        for name, sparsities in (('a', (0, 0.5)), ('b', (0, 0.5, 0.600004)))
    )
    result = find_winning_ticket(line((0.5, 0.52), (0.5, 0.52)))
    assert result.found_in([short, long]) == (long, long.rounds[2])
    assert result.found_in([short]) is None
    assert find_winning_ticket(line()).found_in([short]) is None


@pytest.fixture(scope='module')
def searches(tmp_path_factory):
    """Two seeds, the second with another learning rate; their best tickets are made winners."""
    folders = []
    for seed in (0, 1):
        folder = tmp_path_factory.mktemp('searches') / f'seed_{seed}'
        options = {'randomness.seed': seed, 'optim_wrapper.optimizer.lr': 0.1 + seed / 100}
        state = search_by(toy_config(folder, **options))
        for round_, accuracy in zip(state['rounds'], (0.8, 0.9, 0.1)):
            round_['metrics'] = {'accuracy': accuracy + seed / 50}
        (folder / 'search.json').write_text(json.dumps(state))
        folders.append(folder)
    return folders


def test_metric_weights_and_bytes_beside_the_dense_model(searches):
    one = read_searches(searches[:1])
    section = answer_section(one, compare_searches(one))
    assert 'It is of round 1: tickets/round_01.safetensors in its work_dir.' in section.parts[1]
    table = cells(next(part for part in section.parts if isinstance(part, Table)))
    (dense, winner) = table.groups[0]
    ticket = searches[0] / 'tickets/round_01.safetensors'
    state = ticket_of(searches[0], 0).state_dict()
    whole = sum(value.numel() * value.element_size() for value in state.values())
    size, share = ticket.stat().st_size / 1e6, ticket.stat().st_size / whole
    assert table.header[1:] == ('accuracy', 'prunable weights', 'on disk (MB)', 'MACs an image')
    assert dense[:3] == ('dense model', '0.800', '100.00%')
    assert dense[3].endswith('(100.00%)')
    assert winner[:2] == ('sparsest winning ticket', '0.900')
    assert winner[2] == f'{load_ticket(ticket).mask.density:.2%}'
    assert winner[3] == f'{size:.2f} ({share:.2%})'


def texts(folders):
    searches = read_searches(folders)
    section = answer_section(searches, compare_searches(searches))
    return ' '.join(part for part in section.parts if isinstance(part, str))


def test_seeds_are_joined_and_other_settings_are_told(searches):
    told = texts(searches)
    assert 'seeds 0, 1.' in told
    assert '0.910 ± 0.014' in told
    assert 'Seed 1 differs from seed 0 in more than the seed: optim_wrapper.optimizer.lr' in told
    assert 'differs from' not in texts(searches[:1])


def test_what_is_not_there_yet_is_told(searches, tmp_path):
    state = record(searches[0])
    state['rounds'] = state['rounds'][:1]
    (tmp_path / 'search.json').write_text(json.dumps(state))
    page = write_report([tmp_path]).with_suffix('.md').read_text()
    assert 'is not finished: 1 of 3 rounds are done' in page
    assert 'no pruned round is done yet' in page
    state['rounds'] = []
    (tmp_path / 'search.json').write_text(json.dumps(state))
    assert (
        'No round has been measured yet' in write_report([tmp_path]).with_suffix('.md').read_text()
    )


def test_tickets_that_cannot_be_read_are_told(searches, tmp_path):
    (tmp_path / 'tickets').mkdir()
    (tmp_path / 'search.json').write_bytes((searches[0] / 'search.json').read_bytes())
    for name in ('round_00', 'round_02'):
        path = tmp_path / f'tickets/{name}.safetensors'
        path.write_bytes((searches[0] / 'tickets' / path.name).read_bytes())
    path.write_bytes(b'of another age')
    page = write_report([tmp_path]).with_suffix('.md').read_text()
    assert 'for want of a ticket that this mmlth can read: rounds 1, 2' in page
    assert 'keeps' in page  # what search.json records is told all the same


def test_a_control_is_no_search(searches):
    mmlth.branch(searches[0], {'type': 'noise', 'share': 0.2}, tickets=[2], seed=3)
    page = write_report([searches[0] / 'branches/noise-share_0.2-seed_3']).with_suffix('.md')
    told = page.read_text()
    assert 'A control, noise (share 0.2) of rounds 2 by seed 3, and no search.' in told
    assert 'winning ticket' not in told


def test_one_metric_where_only_one_is_asked_for(searches):
    state = record(searches[0])
    for round_ in state['rounds']:
        round_['metrics'] |= {'toy/other': 0.7}
    search = Search(searches[0], state, state['rounds'])
    lines = {'ticket': [LinePoint(0.5, 0.4, (0.7,))]}
    compared = [LineComparison('toy/other', LinePoint(0, 0, (0.7,)), lines)]
    section = answer_section(single(search, 'toy/other'), compared)
    *_, table = (cells(part) for part in section.parts if isinstance(part, Table))
    assert 'other' in table.header
    assert 'accuracy' not in table.header


def test_prunable_weights_before_the_dense_round_is_done(searches, tmp_path):
    state = record(searches[0])
    prunable = state['rounds'][0]['prunable']
    assert state['parameters'] > prunable
    search = Search(tmp_path, {**state, 'rounds': []}, [])
    assert f' {prunable:,} prunable weights' in answer_section(single(search), []).parts[0]


def test_metrics_that_were_not_measured_are_left_out(tmp_path):
    rounds = [
        {'sparsity': s, 'network_sparsity': s, 'prunable': 10, 'metrics': {'AP': 0.5, 'x/AP': -1}}
        for s in (0, 0.5)
    ]
    (tmp_path / 'search.json').write_text(json.dumps({'rounds': rounds}))
    assert [comparison.metric for comparison in compare_searches(read_searches([tmp_path]))] == [
        'AP'
    ]


def test_commands_that_repeat_it(searches, monkeypatch):
    """By the config in search.json, which tells where it started; a page shows no folders above."""
    monkeypatch.chdir(searches[0].parent)
    state = record(searches[0])
    state['load_from'], state['world_size'] = '/elsewhere/pre trained.pth', 2
    section = settings_section(single(Search(searches[0], state, state['rounds']), 'toy/accuracy'))
    training, report = next(part for part in section.parts if isinstance(part, Code)).text.split(
        '\n'
    )
    words = shlex.split(training)
    assert words[:4] == ['torchrun', '--nproc-per-node=2', '-m', 'mmlth']
    assert words[4:6] == ['train', 'seed_0/search.json']
    assert 'randomness.seed=0' in words
    folder = f'{searches[0].name}_again'
    assert words[words.index('--work-dir') + 1] == folder
    assert shlex.split(report) == ['mmlth', 'report', folder, '--metric', 'toy/accuracy']


@pytest.mark.parametrize('product', ['exact', 'difference', None])
def test_a_page_says_what_the_finite_difference_of_grasp_is(searches, product):
    state = record(searches[0])
    score = 'grasp' if product is None else {'type': 'grasp', 'product': product}
    state['config']['lottery']['score'] = score
    parts = settings_section(single(Search(searches[0], state, state['rounds']))).parts
    assert (DIFFERENCE in parts) == (product == 'difference')


def test_a_resumed_search_is_repeated_to_the_same_result(tmp_path, monkeypatch):
    """By its own commands, branches too."""
    monkeypatch.chdir(tmp_path)
    config = toy_config(tmp_path / 'a')
    config.dump(tmp_path / 'toy.py')
    search = ['train', str(tmp_path / 'toy.py'), '--work-dir', str(tmp_path / 'a')]
    assert main([*search, '--cfg-options', 'lottery.rounds_per_run=1']) == 0
    assert main([*search, '--resume']) == 0
    assert main(['branch', str(tmp_path / 'a'), 'random', '--tickets', '2']) == 0
    section = settings_section(read_searches([tmp_path / 'a']))
    codes = [part.part if isinstance(part, Details) else part for part in section.parts]
    codes = [part.text for part in codes if isinstance(part, Code)][:2]
    for command in [codes[0].split('\n')[0], codes[1]]:
        assert main(shlex.split(command)[1:]) == 0
    for name in ('tickets/round_02.safetensors', 'branches/random/tickets/round_01.safetensors'):
        first, second = (load_ticket(tmp_path / folder / name) for folder in ('a', 'a_again'))
        assert first.mask == second.mask
        assert torch.equal(first.weights['fc.weight'], second.weights['fc.weight'])


@pytest.mark.parametrize('spared', [0, 6])
def test_a_dense_round_that_early_bird_ended_is_told(searches, spared):
    state = record(searches[0])
    state['rounds'][0]['saved_iterations'] = spared
    search = Search(searches[0], state, state['rounds'])
    one = single(search)
    parts = answer_section(one, compare_searches(one)).parts
    told = ' '.join(part for part in parts if isinstance(part, str))
    assert ('Early-bird ended the dense round early' in told) == bool(spared)
