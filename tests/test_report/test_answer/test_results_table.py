import io
from collections.abc import Callable, Sequence

import pytest
from rich.console import Console

from mmlth.report.answer import results_table
from mmlth.report.answer.results_table import clock
from mmlth.report.searches import Round


def lines(
    rounds: Sequence[Round], metrics: Sequence[str] | None = None, width: int = 100
) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(results_table(rounds, metrics))
    return console.file.getvalue().splitlines()


def row(rounds: Sequence[Round], number: int, metrics: Sequence[str] | None = None) -> list[str]:
    return lines(rounds, metrics)[2 + number].split()


def test_rows_by_hand(search: list[Round]) -> None:
    assert lines(search)[0].split() == [
        *('round', 'sparsity', 'network', 'bbox_mAP', 'bbox_mAP_50', 'time')
    ]
    assert row(search, 0) == ['0', '0.00%', '0.00%', '0.369', '0.580', '10:00:00']
    assert row(search, 1) == ['1', '20.00%', '16.00%', '0.372', '+0.003', '–', '1:00:00']
    assert row(search, 2) == ['2', '36.00%', '28.80%', '0.300', '-0.069', '–', '0:01:00']
    assert row(search, 3) == ['3', '48.80%', '39.04%', '–', '–', '0:01:01']


def test_differences_are_of_unrounded_values(make_round: Callable[..., Round]) -> None:
    rounds = [make_round(0, 1000, {'mAP': 0.3694}), make_round(1, 800, {'mAP': 0.3706})]
    assert row(rounds, 1)[3:5] == ['0.371', '+0.001']  # rounded first, it would say +0.002


def test_no_difference_is_plus_zero(make_round: Callable[..., Round]) -> None:
    rounds = [make_round(0, 1000, {'mAP': 0.30001}), make_round(1, 800, {'mAP': 0.3})]
    assert row(rounds, 1)[4] == '+0.000'


@pytest.mark.parametrize('dense', [{}, {'mAP': float('nan')}, {'mAP': -1.0}])
def test_without_a_dense_value_there_is_no_difference(
    make_round: Callable[..., Round], dense: dict[str, float]
) -> None:
    rounds = [make_round(0, 1000, dense), make_round(1, 800, {'mAP': 0.3})]
    assert row(rounds, 0)[3:4] == ['–']
    assert row(rounds, 1)[3:] == ['0.300', '0:01:00']


def test_shows_the_metrics_asked_for(search: list[Round]) -> None:
    assert row(search, 2, ['coco/bbox_mAP_s', 'coco/bbox_mAP'])[3:6] == ['–', '0.300', '-0.069']


def test_one_round_and_none(search: list[Round]) -> None:
    assert row(search[:1], 0)[0] == '0'
    assert lines([])[0].split() == ['round', 'sparsity', 'network', 'time']


@pytest.mark.parametrize('width', [80, 100])
def test_two_tasks_fit(make_round: Callable[..., Round], width: int) -> None:
    names = ['coco/bbox_mAP', 'coco/bbox_mAP_50', 'coco/segm_mAP', 'coco/segm_mAP_50']
    rounds = [make_round(n, 1000 - 80 * n, dict.fromkeys(names, 0.369), 4e4) for n in range(11)]
    printed = lines(rounds, width=width)
    assert max(map(len, printed)) <= width
    assert not any('…' in line for line in printed)  # nothing cut off


def test_a_metric_name_is_no_markup(make_round: Callable[..., Round]) -> None:
    assert '[bold]AP' in lines([make_round(0, 1000, {'[bold]AP': 0.5})])[0]


def test_clock() -> None:
    times = [0, 59.4, 59.6, 3599.5, 360_000]
    assert [clock(seconds) for seconds in times] == [
        *('0:00:00', '0:00:59', '0:01:00', '1:00:00', '100:00:00')
    ]


def early(round_: Round, epochs: float, saved: float, length: int = 100) -> Round:
    lengths = {'epochs': epochs, 'saved_epochs': saved}
    return (
        round_
        | lengths
        | {k.replace('epochs', 'iterations'): int(v * length) for k, v in lengths.items()}
    )


def test_rounds_that_ended_early(search: list[Round]) -> None:
    rounds = [early(search[0], 5, 7), early(search[1], 3.5, 7), early(search[2], 11, 0)]
    assert lines(rounds)[0].split()[3] == 'epochs'
    assert row(rounds, 0)[3:6] == ['5', 'of', '12']
    assert row(rounds, 1)[3:6] == ['3.5', 'of', '10.5']
    assert row(rounds, 2)[3:5] == ['11', '0.300']
    printed = ' '.join(' '.join(lines(rounds)).split())
    assert 'early-bird saved 1,400 of 3,350 iterations (42%)' in printed
    assert 'round 0 ended early, too: it is no dense model trained in full' in printed


def test_a_dense_model_in_full_is_one(search: list[Round]) -> None:
    printed = ' '.join(' '.join(lines([early(search[0], 12, 0), early(search[1], 5, 6)])).split())
    assert 'early-bird saved 600 of 2,300 iterations' in printed
    assert 'round 0 ended early' not in printed


def test_rounds_of_a_loop_without_epochs(search: list[Round]) -> None:
    rounds = [search[0] | {'iterations': 500, 'saved_iterations': 250}]
    assert lines(rounds)[0].split()[3] == 'iterations'
    assert row(rounds, 0)[3:6] == ['500', 'of', '750']


def test_without_early_bird_nothing_tells_of_it(search: list[Round]) -> None:
    assert 'early' not in ' '.join(lines(search))


def test_the_multiply_adds_that_are_left_where_a_search_counts_them(
    make_round: Callable[..., Round],
) -> None:
    rounds = [make_round(0, 1000, {'mAP': 0.4}), make_round(1, 800, {'mAP': 0.3})]
    assert 'MACs' not in '\n'.join(lines(rounds))
    rounds[1].update(prunable_macs=5000, kept_macs=1000)
    assert lines(rounds)[0].split()[:4] == ['round', 'sparsity', 'network', 'MACs']
    assert row(rounds, 0)[3] == '–'
    assert row(rounds, 1)[3] == '20.00%'
    assert 'MACs: share of the multiply-adds that is left' in '\n'.join(lines(rounds))
