import csv
import math
from collections.abc import Callable
from pathlib import Path

from mmlth.report.answer import write_results_csv
from mmlth.report.searches import Round


def read(path: Path) -> list[list[str]]:
    with path.open(newline='', encoding='utf-8') as file:
        return list(csv.reader(file))


def test_every_float_comes_back_exactly(make_round: Callable[..., Round], tmp_path: Path) -> None:
    awkward = [0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 1e16, 0.36900000000000005]
    rounds = [
        make_round(number, 1000 - number, {'mAP': value}, seconds=value * 0.7)
        for number, value in enumerate(awkward)
    ]
    path = tmp_path / 'results.csv'
    write_results_csv(rounds, path)
    for row, round_ in zip(read(path)[1:], rounds, strict=True):
        expected = [
            round_['sparsity'],
            round_['network_sparsity'],
            round_['metrics']['mAP'],
            round_['seconds'],
        ]
        assert row[0] == str(round_['round'])
        assert [float(cell).hex() for cell in row[1:]] == [value.hex() for value in expected]


def test_columns_are_in_order_of_first_appearance(
    make_round: Callable[..., Round], tmp_path: Path
) -> None:
    rounds = [
        make_round(0, 1000, {'z': 1.0, 'b': 2.0}),
        make_round(1, 900, {'a, quoted': 3.0, 'b': 4.0, 'z': 5.0}),
    ]
    path = tmp_path / 'results.csv'
    write_results_csv(rounds, path)
    assert read(path) == [
        ['round', 'sparsity', 'network_sparsity', 'z', 'b', 'a, quoted', 'seconds'],
        ['0', '0.0', '0.0', '1.0', '2.0', '', '60.0'],
        ['1', repr(1 - 900 / 1000), '0.08', '5.0', '4.0', '3.0', '60.0'],
    ]


def test_holes_stay_what_they_were(search: list[Round], tmp_path: Path) -> None:
    path = tmp_path / 'results.csv'
    write_results_csv(search, path)
    rows = [dict(zip(read(path)[0], row, strict=True)) for row in read(path)[1:]]
    assert math.isnan(float(rows[1]['coco/bbox_mAP_50']))
    assert rows[2]['coco/bbox_mAP_s'] == '-1.0'
    assert rows[1]['coco/bbox_mAP_s'] == ''
    assert rows[3]['coco/bbox_mAP'] == ''


def test_before_the_first_round_there_is_a_header(tmp_path: Path) -> None:
    write_results_csv([], tmp_path / 'results.csv')
    assert read(tmp_path / 'results.csv') == [['round', 'sparsity', 'network_sparsity', 'seconds']]


def test_the_multiply_adds_that_are_left_where_a_search_counts_them(
    make_round: Callable[..., Round], tmp_path: Path
) -> None:
    rounds = [make_round(0, 1000, {'z': 1.0}), make_round(1, 900, {'z': 2.0})]
    for round_, kept in zip(rounds, (5000, 1000)):
        round_.update(prunable_macs=5000, kept_macs=kept)
    path = tmp_path / 'results.csv'
    write_results_csv(rounds, path)
    assert read(path) == [
        ['round', 'sparsity', 'network_sparsity', 'macs_left', 'z', 'seconds'],
        ['0', '0.0', '0.0', '1.0', '1.0', '60.0'],
        ['1', repr(1 - 900 / 1000), '0.08', '0.2', '2.0', '60.0'],
    ]
