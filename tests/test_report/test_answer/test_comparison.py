"""Searches of several seeds and their branches, side by side."""

import csv
import json
import math
from dataclasses import replace

import pytest
from matplotlib.image import imread
from rich.console import Console

from mmlth.report.answer.comparison_plot import line_styles
from mmlth.report.answer.comparison_table import comparison_table
from mmlth.report.answer.winning_ticket import find_winning_ticket
from mmlth.report.searches import LinePoint, compare_lines, read_searches, rounds_by_line
from mmlth.report.writing import print_searches, write_report
from mmlth_cli.main import main

pytestmark = pytest.mark.pages


def entry(index, sparsity, value, prunable=1000):
    return {
        'round': index,
        'prunable': prunable,
        'kept': round(prunable * (1 - sparsity)),
        'parameters': 2 * prunable,
        'sparsity': sparsity,
        'network_sparsity': sparsity / 2,
        'metrics': {'coco/bbox_mAP': value},
        'seconds': 1.0,
        'ticket': 't',
    }


def write(folder, values, branch=None, sparsities=(0, 0.8, 0.9)):
    folder.mkdir(parents=True)
    rounds = [entry(i, s, v) for i, (s, v) in enumerate(zip(sparsities, values))]
    (folder / 'search.json').write_text(json.dumps({'rounds': rounds, 'branch': branch}))
    return folder


@pytest.fixture
def searches(tmp_path):
    dense, tickets, chance = (0.50, 0.54), ((0.51, 0.45), (0.53, 0.47)), ((0.4, 0.2), (0.5, 0.2))
    for seed in (0, 1):
        folder = write(tmp_path / f's{seed}', (dense[seed], *tickets[seed]))
        write(folder / 'branches/random', (dense[seed], *chance[seed]), {'label': None})
        for sparsity, value in ((0.8, 0.3 + seed), (0.9, 0.1)):
            name = folder / f'branches/one_shot_{sparsity}'
            write(name, (dense[seed], value), {'label': 'one_shot'}, (0, sparsity))
    return [tmp_path / 's0', tmp_path / 's1']


def test_seeds_that_count_multiply_adds_agree_by_these(tmp_path):
    """Their masks keep as many multiply-adds, not as many weights."""
    folders = []
    for seed, sparsity in enumerate((0.61, 0.63)):
        rounds = [entry(0, 0, 0.5), entry(1, sparsity, 0.4 + seed / 10)]
        for each, kept in zip(rounds, (5000, 1000)):
            each.update(prunable_macs=5000, kept_macs=kept)
        folders.append(tmp_path / f's{seed}')
        folders[-1].mkdir()
        (folders[-1] / 'search.json').write_text(json.dumps({'rounds': rounds}))
    searches = read_searches(folders)
    comparison = compare_lines(*rounds_by_line(searches), 'coco/bbox_mAP')
    (point,) = comparison.lines['ticket']
    assert (point.sparsity, point.agreed) == (0.62, 0.8)
    assert point.values == (0.4, 0.5)
    search, round_ = find_winning_ticket(comparison).found_in(searches) or (None, None)
    assert (search, round_) == (None, None)  # 0.45 of 0.5: none wins
    comparison = replace(comparison, dense=replace(comparison.dense, values=(0.4, 0.5)))
    search, round_ = find_winning_ticket(comparison).found_in(searches)
    assert (search.work_dir, round_['sparsity']) == (folders[0], 0.61)


def test_means_deviations_and_the_rule_of_winning(searches):
    result = compare_lines(*rounds_by_line(read_searches(searches)), 'coco/bbox_mAP')
    assert result.dense.mean == pytest.approx(0.52)
    assert result.dense.std == pytest.approx(math.sqrt(0.0008))  # (0.02² + 0.02²) / (2 − 1)
    assert list(result.lines) == ['ticket', 'one_shot', 'random']
    assert result.sparsities == [0.8, 0.9]
    ticket, at_90 = result.lines['ticket']
    assert ticket.values == (0.51, 0.53)
    assert ticket.wins(result.dense, result.metric)
    assert at_90.mean == pytest.approx(0.46)
    assert not at_90.wins(result.dense, result.metric)  # 0.46 < 0.52 − 0.028
    assert result.lines['one_shot'][0].values == (0.3, 1.3)
    assert result.lines['random'][0].network_sparsity == 0.4


def test_one_seed_has_no_deviation_and_no_winner(searches):
    result = compare_lines(*rounds_by_line(read_searches(searches[:1])), 'coco/bbox_mAP')
    assert result.dense.std is None
    assert result.lines['ticket'][0].wins(result.dense, result.metric) is None


def test_the_command_writes_and_prints_the_same_numbers(searches, capsys):
    assert main(['report', *map(str, searches)]) == 0
    printed = capsys.readouterr().out
    folder = searches[0] / 'report'
    table = (folder / 'report.md').read_text()
    for text in (printed, table):
        assert '0.520 ± 0.028' in text.replace('  ', ' ')
        assert '0.460 ± 0.014' in text
    assert r'0.520 ± 0.014\*' in table
    with (folder / 'comparison.csv').open() as file:
        rows = {(row['line'], row['sparsity']): row for row in csv.DictReader(file)}
    assert len(rows) == 7
    assert float(rows['ticket', '0.9']['mean']) == pytest.approx(0.46)
    assert rows['ticket', '0.8']['wins'] == 'True'
    assert rows['random', '0.8']['values'] == '0.4 0.5'
    assert imread(folder / 'comparison.png').std() > 0
    assert (folder / 'comparison.svg').read_text().startswith('<?xml')


def test_errors_are_better_when_lower():
    dense, worse, better = (
        LinePoint(0, 0, values) for values in ((5.0, 6.0), (7.0, 8.0), (1.0, 2.0))
    )
    for metric, best in (('NME', better), ('coco/AP', worse)):
        assert best.wins(dense, metric)
        assert not ({worse, better} - {best}).pop().wins(dense, metric)


def test_an_accuracy_of_zero_counts(searches):
    path = searches[0] / 'branches/random/search.json'
    path.write_text(path.read_text().replace('0.2', '0.0'))
    result = compare_lines(*rounds_by_line(read_searches(searches)), 'coco/bbox_mAP')
    assert result.lines['random'][1].values == (0.0, 0.2)


def test_other_models_cannot_be_compared(searches, tmp_path):
    folder = tmp_path / 'other'
    folder.mkdir()
    rounds = [entry(0, 0, 0.5, prunable=2000)]
    (folder / 'search.json').write_text(json.dumps({'rounds': rounds}))
    with pytest.raises(ValueError, match='1,000 and 2,000 prunable weights'):
        write_report([*searches, folder], tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_unknown_metrics_and_missing_searches_are_one_line(searches, tmp_path, capsys):
    assert main(['report', *map(str, searches), '--metric', 'AR']) == 1
    assert "no dense round has the metric 'AR'" in capsys.readouterr().err
    assert main(['report', str(tmp_path / 'none')]) == 1
    assert 'search.json not found' in capsys.readouterr().err


def test_a_single_search_is_printed_by_the_metric_that_is_named(tmp_path, capsys):
    rounds = [entry(0, 0, 0.5), entry(1, 0.8, 0.4)]
    for round_ in rounds:
        round_['metrics'] |= {'PCK': 0.25}
    (tmp_path / 'search.json').write_text(json.dumps({'rounds': rounds}))
    print_searches(read_searches([tmp_path], 'PCK'))
    printed = capsys.readouterr().out
    assert 'PCK' in printed.splitlines()[0]
    assert 'AP' not in printed


def test_lines_look_different_and_the_same_in_every_plot():
    own = [f'own_{index}' for index in range(25)]
    many = line_styles(['ticket', 'random', *own])
    assert len(set(many.values())) == len(many)
    few = line_styles(['random'])
    assert few['random'] == many['random']
    assert few['ticket'] == many['ticket']


def test_names_of_lines_stay_whole_in_a_narrow_terminal(searches, capsys):
    result = compare_lines(*rounds_by_line(read_searches(searches)), 'coco/bbox_mAP')
    long = 'learning_rate_rewinding_from_1ep'
    renamed = replace(result, lines={long: result.lines['ticket']})
    Console(width=56).print(comparison_table(renamed))
    printed = capsys.readouterr().out
    assert long in printed
    for number in ('0.520', '0.460'):
        assert number in printed


def test_the_caption_explains_what_the_table_has(searches):
    several = compare_lines(*rounds_by_line(read_searches(searches)), 'coco/bbox_mAP')
    assert 'mean ± standard deviation' in comparison_table(several).caption
    one = compare_lines(*rounds_by_line(read_searches(searches[:1])), 'coco/bbox_mAP')
    assert comparison_table(one).caption == (
        'of one seed, so there is no standard deviation, and no * for what wins'
    )
