"""Sections on searches that differ by seed, and on their branches: 1000 weights, no training."""

import itertools
import json

import pytest
import torch
from kit import csv_rows
from rich.table import Table
from sections import column, texts

from mmlth import Mask, Ticket, save_ticket
from mmlth.pruning import masked
from mmlth.pruning.distance import Overlap
from mmlth.report.cost.cost_plot import plot_costs
from mmlth.report.cost.cost_table import cost_table
from mmlth.report.cost.costs import count_costs
from mmlth.report.cost.section import cost_section
from mmlth.report.masks.layers_section import layers_section
from mmlth.report.masks.noise_table import noise_table
from mmlth.report.masks.noisy_tickets import noisy_tickets
from mmlth.report.masks.section import compared_lines, evenly, masks_section
from mmlth.report.page import CsvFile, Details, Figure
from mmlth.report.searches import read_search, read_searches, round_tickets, same_rounds
from mmlth.report.searches.searches import search_names

AP = 'coco/bbox_mAP'
NAME = 'backbone.conv.weight'


def write(folder, kept, values, seed=0, branch=None, of_rounds=()):
    """A search, or a branch of one, whose rounds keep the first weights of a random order."""
    (folder / 'tickets').mkdir(parents=True)
    weight = torch.randn(20, 50, generator=torch.Generator().manual_seed(seed))
    order = weight.flatten().argsort().argsort().reshape(20, 50)
    rounds = []
    for index, (count, value) in enumerate(zip(kept, values)):
        mask = Mask({NAME: order < count})
        ticket = f'tickets/round_{index:02d}.safetensors'
        save_ticket(Ticket(mask, masked({NAME: weight}, mask), {}), folder / ticket)
        rounds.append(
            {
                **{'round': index, 'prunable': 1000, 'kept': count, 'parameters': 1250},
                **{'sparsity': 1 - count / 1000, 'network_sparsity': (1000 - count) / 1250},
                **{'metrics': {AP: value}, 'seconds': 1.0, 'ticket': ticket},
            }
        )
    for index, of_round in enumerate(of_rounds, 1):
        rounds[index]['of_round'] = of_round
    state = {'seed': seed, 'branch': branch, 'rounds': rounds}
    (folder / 'search.json').write_text(json.dumps(state))
    return folder


@pytest.fixture
def searches(tmp_path):
    """Two seeds of three rounds, the second with rounds of its own sparsity from the third on."""
    return [
        write(tmp_path / 'seed_7', (1000, 500, 250), (0.50, 0.52, 0.40), seed=7),
        write(tmp_path / 'seed_8', (1000, 500, 200), (0.54, 0.50, 0.30), seed=8),
    ]


def written(section, folder):
    """Writes the CSVs of a section: their rows by name."""
    for part in section.parts:
        if isinstance(part, CsvFile):
            part.write(folder / part.name)
    return {path.name: csv_rows(path) for path in folder.glob('*.csv')}


def figure(section, name):
    (result,) = [p for p in section.parts if isinstance(p, Figure) and p.name == name]
    return result


def labels(axes):
    return [line.get_label() for line in axes.lines if not line.get_label().startswith('_')]


def test_names_tell_searches_apart(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ('a/x/seed', 'b/x/seed', 'b/y/seed', 'b/other')]
    assert search_names(paths) == ['a/x/seed', 'b/x/seed', 'y/seed', 'other']
    monkeypatch.chdir(tmp_path)
    assert search_names(['.']) == [tmp_path.name]
    assert (
        search_names(['seed', 'seed']) == [str(tmp_path / 'seed')] * 2
    )  # nothing tells them apart


def test_rounds_are_the_same_by_number_and_sparsity():
    items = [(1, 0.5), (0, 0.0), (1, 0.50001), (1, 0.6), (2, 0.5)]
    joined = [[(0, 0.0)], [(1, 0.5), (1, 0.50001)], [(1, 0.6)], [(2, 0.5)]]
    assert same_rounds(items, lambda item: item) == joined


def test_many_masks_are_thinned_evenly_within_their_lines():
    long, short = list(range(1, 25)), list('abcd')
    assert evenly([long], 24) == long
    assert evenly([long], 5) == [1, 7, 13, 18, 24]  # 23 / 4 = 5.75 apart: 0, 5.75, 11.5, 17.25
    assert evenly([long], 1) == [24]
    assert evenly([long, short], 7) == [1, 13, 24, 'a', 'c', 'd']  # as many of each line
    assert evenly([long, short], 12) == [1, 4, 8, 11, 14, 17, 21, 24, *short]  # if it has them
    assert evenly([long, short, long], 2) == [24, 'd']
    assert evenly([], 2) == []


def test_a_single_search_of_many_rounds_has_its_similarities(tmp_path):
    kept = [int(1000 * 0.8**n) for n in range(24)]
    folder = write(tmp_path / 'long', kept, [0.4] * 24)
    section = masks_section(read_searches([folder]))
    result = written(section, tmp_path)['mask_similarity.csv']
    assert figure(section, 'mask_similarity')
    assert len(result) == 20 * 19 / 2
    assert (result[0]['first'], result[-1]['second']) == ('round 1', 'round 23')
    assert '20 of 23 masks are shown: evenly from the rounds of each' in texts(section)[1]


def test_masks_are_called_by_search_branch_and_the_round_they_change(searches, tmp_path):
    told = {'control': 'random', 'label': None}
    write(searches[0] / 'branches/random', (1000, 250), (0.5, 0.2), 1, told, of_rounds=[2])
    for name in ('one_50', 'one_25'):
        write(searches[0] / f'branches/{name}', (1000, 250), (0.5, 0.2), 1, {'label': 'one'})
    for folder in searches:
        write(folder / 'branches/fine', (1000, 500), (0.5, 0.2), 1, {'label': 'fine tuning'})
    write(searches[1] / 'branches/one_50', (1000, 250), (0.5, 0.2), 1, {'label': 'one'})
    lines = compared_lines(read_searches(searches))
    assert [[(t.search, t.name) for t in line] for line in lines] == [
        *([(seed, 'round 1'), (seed, 'round 2')] for seed in ('seed_7', 'seed_8')),
        [('seed_7', 'fine tuning round 1')],
        [('seed_7', 'one_25 round 1')],
        [('seed_7', 'one_50 round 1')],
        [('seed_7', 'random round 2')],
        [('seed_8', 'fine tuning round 1')],
        [('seed_8', 'one_50 round 1')],  # as in the other search, though here it is alone
    ]
    own = round_tickets(read_search(searches[0] / 'branches/random'))  # in a report of its own
    assert [ticket.name for ticket in own] == ['round 0', 'round 1']
    rows = written(masks_section(read_searches(searches)), tmp_path)['mask_similarity.csv']
    names = {row['first'] for row in rows} | {row['second'] for row in rows}
    assert len(names) == 4 + 6
    assert 'seed_7 random round 2' in names
    assert [branch.search.work_dir.name for branch in read_searches(searches).branches[1]] == [
        'fine',
        'one_50',
    ]


def test_searches_of_one_folder_name_stay_apart(tmp_path):
    folders = [write(tmp_path / f'{n}/search', (1000, 500), (0.5, 0.5)) for n in 'ab']
    (row,) = written(masks_section(read_searches(folders)), tmp_path)['mask_similarity.csv']
    assert (row['first'], row['second']) == ('a/search round 1', 'b/search round 1')


def test_left_out_lines_are_told(searches, monkeypatch):
    monkeypatch.setattr('mmlth.report.masks.section._MOST', 3)
    assert '2 of 4 masks are shown: the last of each search' in ' '.join(
        texts(masks_section(read_searches(searches)))
    )
    for folder, name in itertools.product(searches, 'abc'):
        write(folder / f'branches/{name}', (1000, 500), (0.5, 0.2), 1, {'label': None})
    told = ' '.join(texts(masks_section(read_searches(searches))))
    assert '3 of 10 masks are shown: the last of 3 of 8 searches and branches.' in told


def test_both_measures_of_similarity_stand_beside_chance(searches):
    hidden = {
        p.summary: p.part
        for p in masks_section(read_searches(searches[:1])).parts
        if isinstance(p, Details)
    }
    # 250 of the 500 weights are in both: of 1000 the 250 others differ. By chance 125 of the 250
    # are in both, so that 375 + 125 = 500 differ, and 625 are in either.
    pair = Overlap(1000, 500, 250, 250)
    assert (pair.iou, pair.hamming) == (0.5, 0.25)
    for summary, value, by_chance in (
        ('Intersection over union', 0.5, 0.2),
        ('Hamming', 0.25, 0.5),
    ):
        (table,) = [part for name, part in hidden.items() if name.startswith(summary)]
        assert column(table, 'round 1') == [f'{value:.3f}\n{by_chance:.3f}']


def test_what_is_of_the_first_search_says_so_and_csvs_are_of_all(searches, tmp_path):
    for section, name, per_search in (
        (layers_section, 'layers.csv', 3),
        (masks_section, 'zero_parts.csv', 3 * 2 * 2),  # of all and one module, rows and columns
    ):
        assert 'Of seed 7, the first of the searches.' in texts(section(read_searches(searches)))
        assert 'of the searches' not in ' '.join(texts(section(read_searches(searches[:1]))))
        rows = written(section(read_searches(searches)), tmp_path)[name]
        assert next(iter(rows[0])) == 'search'
        assert [row['search'] for row in rows] == ['seed_7'] * per_search + ['seed_8'] * per_search
    (table,) = [
        part for part in layers_section(read_searches(searches)).parts if isinstance(part, Table)
    ]
    assert column(table, 'round 2')[-1] == '25.00%'


def test_costs_are_means_over_the_searches(searches, tmp_path, drawn):
    section = cost_section(read_searches(searches))
    (table,) = [part for part in section.parts if isinstance(part, Table)]
    # √(0.02² + 0.02²) = 0.028; the last rounds are of other sparsities, so each is of one search.
    assert column(table, 'bbox_mAP') == [
        *('0.520 ± 0.028', '0.510 ± 0.014'),
        *('1 of 2: 0.400', '1 of 2: 0.300'),
    ]
    assert column(table, 'sparsity') == ['0.00%', '50.00%', '75.00%', '80.00%']
    assert column(table, 'dense checkpoint')[0] == '0.00\n100.00%'  # 4000 bytes, in both the same
    assert (
        '±'
        not in column(
            cost_table(count_costs(round_tickets(read_search(searches[0]))), AP), 'bbox_mAP'
        )[0]
    )
    rows = written(section, tmp_path)['cost.csv']
    assert [(row['search'], row['ticket'], row[AP]) for row in rows[2:4]] == [
        ('seed_7', 'round 2', '0.4'),
        ('seed_8', 'round 0', '0.54'),
    ]
    figure(section, 'cost').draw(tmp_path / 'cost.png')
    sizes, metric = drawn[0].axes
    assert labels(sizes)[-1] == 'dense checkpoint'
    assert list(sizes.lines[-1].get_ydata()) == [0.004] * 4  # MB
    (dense,) = [line for line in metric.lines if line.get_label() == 'dense model']
    assert list(dense.get_ydata()) == pytest.approx([0.52, 0.52])
    bars = metric.containers[0].lines[2][0].get_segments()
    assert bars[0][:, 1].tolist() == pytest.approx([0.52 - 0.0008**0.5, 0.52 + 0.0008**0.5])


def test_only_what_is_not_pruned_is_called_dense(searches, tmp_path, drawn):
    tickets = round_tickets(read_search(searches[0]))
    for chosen, named in ((tickets, True), (tickets[1:], False), (tickets[::-1], True)):
        plot_costs(count_costs(chosen), AP, tmp_path / 'cost.png')
        lines = {line.get_label(): line for line in drawn[-1].axes[1].lines}
        assert ('dense model' in lines) == named
        if named:
            assert set(lines['dense model'].get_ydata()) == {0.5}
    # Sizes are shares of a dense checkpoint of the very model, whichever tickets are at hand.
    for chosen in (tickets, tickets[1:]):
        table = cost_table(count_costs(chosen))
        assert column(table, 'dense checkpoint')[-1].endswith('\n100.00%')
        assert column(table, 'index + value')[-1].endswith('\n50.00%')  # 250 · 8 of 4000 bytes


def test_tickets_that_are_gone_are_told_by_search(searches):
    (searches[1] / 'tickets/round_01.safetensors').unlink()
    for section in (layers_section, cost_section):
        assert 'can read: round 1 of seed_8.' in ' '.join(texts(section(read_searches(searches))))
    result = [
        [ticket.round['round'] for ticket in tickets] for tickets in read_searches(searches).tickets
    ]
    assert result == [[0, 1, 2], [0, 2]]


def test_noise_stands_below_the_ticket_and_against_it(searches):
    told = {'control': {'type': 'noise', 'share': 0.5}, 'label': 'noise'}
    for folder, value in zip(searches, (0.42, 0.46)):
        write(folder / 'branches/noise', (1000, 500), (0.5, value), 1, told, of_rounds=[1])
    table = noise_table(noisy_tickets(read_searches(searches)), AP)
    assert column(table, 'ticket') == ['round 1', 'round 1']
    assert column(table, 'flipped of kept')[0] == '0.00%'
    assert column(table, AP) == ['0.510 ± 0.014', '0.440 ± 0.028']
    # 0.42 − 0.52 = −0.10 and 0.46 − 0.50 = −0.04: seed by seed, with √(2 · 0.03²) = 0.042
    assert column(table, 'difference') == ['', '-0.070 ± 0.042']
    single = noise_table(noisy_tickets(read_searches(searches[:1])), AP)
    assert column(single, 'difference') == ['', '-0.100']
