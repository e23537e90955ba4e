"""Several searches and their branches as lines: an accuracy for each sparsity, over seeds."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mmlth.analysis.networks import lower_is_better
from mmlth.report.searches.metrics import main_metrics
from mmlth.report.searches.rounds import Round, agreed_sparsity, measured, round_sparsity
from mmlth.report.searches.search import Search
from mmlth.report.searches.searches import Searches

TICKET = 'ticket'
"""Name of the line of the searches themselves."""


@dataclass(frozen=True)
class LinePoint:
    """A line at one sparsity.

    Attributes:
        sparsity: Share of the prunable weights that is removed.
        network_sparsity: Share of all parameters that is removed.
        values: The metric of each seed that has it.
        agreed: The sparsity by which seeds agree, see `agreed_sparsity`; None: ``sparsity``.
    """

    sparsity: float
    network_sparsity: float
    values: tuple[float, ...]
    agreed: float | None = None

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return statistics.fmean(self.values)

    @property
    def std(self) -> float | None:
        """Sample standard deviation over the seeds; None of a single one."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def wins(self, dense: 'LinePoint', metric: str) -> bool | None:
        """Whether it is within one standard deviation of the dense model, or better.

        The rule of Girish et al. (CVPR 2021). None where one seed gives no standard deviation, or
        where it is of fewer seeds than the dense model: of some it is not known yet.

        Args:
            dense: The dense model.
            metric: Its name, which tells whether higher or lower is better.
        """
        if dense.std is None or len(self.values) < len(dense.values):
            return None
        gain = self.mean - dense.mean
        return (-gain if lower_is_better(metric) else gain) >= -dense.std


@dataclass(frozen=True)
class LineComparison:
    """Lines to compare, all of one metric.

    Attributes:
        metric: Its name.
        dense: The dense model.
        lines: The points in order of sparsity by name; the searches' own is `TICKET`.
    """

    metric: str
    dense: LinePoint
    lines: dict[str, list[LinePoint]]

    @property
    def sparsities(self) -> list[float]:
        """All sparsities that occur, in order."""
        return sorted({point.sparsity for line in self.lines.values() for point in line})


def rounds_by_line(searches: Searches) -> tuple[list[Round], dict[str, list[Round]]]:
    """The rounds of searches and of all their branches.

    Args:
        searches: The searches, which differ by seed.

    Returns:
        The dense rounds, and for each line its pruned ones; of ``long_dense`` the dense ones.

    Raises:
        ValueError: If the models differ in their prunable weights.
    """
    dense: list[Round] = []
    lines: dict[str, list[Round]] = {TICKET: []}
    for search, branches in zip(searches, searches.branches):
        pruned = search.rounds[1:] if search.has_dense else search.rounds
        dense += search.rounds[: len(search.rounds) - len(pruned)]
        lines[TICKET] += pruned
        for branch in branches:
            lines.setdefault(branch.line, []).extend(_results(branch.search, search))
    totals = {
        round_['prunable'] for round_ in [*dense, *(r for line in lines.values() for r in line)]
    }
    if len(totals) > 1:
        raise ValueError(
            'these searches are not of one model: they have '
            f'{" and ".join(f"{total:,}" for total in sorted(totals))} prunable weights; compare '
            'searches that differ by seed alone'
        )
    return dense, {name: rounds for name, rounds in lines.items() if rounds}


def _results(branch: Search, search: Search) -> list[Round]:
    """The rounds of a branch that are results: the last one, where it cuts those before short."""
    own, other = (each.state.get('config', {}).get('lottery', {}) for each in (branch, search))
    short = any(
        own.get(key) not in (None, other.get(key)) for key in ('round_length', 'early_bird')
    )
    return branch.rounds[-1:] if short else branch.rounds[1:]


def compare_lines(
    dense: Sequence[Round], lines: Mapping[str, Sequence[Round]], metric: str
) -> LineComparison:
    """Joins the seeds of each line.

    Args:
        dense: The dense rounds, one a seed.
        lines: The other rounds by line.
        metric: The name of the metric.

    Raises:
        ValueError: If no dense round has the metric.
    """
    points = _points(dense, metric)
    if not points:
        raise ValueError(f'no dense round has the metric {metric!r}')
    joined = {name: _points(rounds, metric) for name, rounds in lines.items()}
    return LineComparison(metric, points[0], {name: line for name, line in joined.items() if line})


def compare_searches(searches: Searches) -> list[LineComparison]:
    """Searches and their branches as lines, metric by metric.

    Nothing where none was measured, or where there is no dense model.

    Args:
        searches: The searches, which differ by seed.

    Raises:
        ValueError: If the searches cannot be compared, or lack the metric.
    """
    dense, lines = rounds_by_line(searches)
    if not dense:
        return []
    if searches.metric is not None:
        return [compare_lines(dense, lines, searches.metric)]
    names = main_metrics(dense)
    there = [name for name in names if any(measured(each, name) is not None for each in dense)]
    return [compare_lines(dense, lines, name) for name in there]


def _points(rounds: Iterable[Round], metric: str) -> list[LinePoint]:
    groups: dict[float, list[Round]] = {}
    for round_ in rounds:
        if measured(round_, metric) is not None:
            groups.setdefault(agreed_sparsity(round_), []).append(round_)
    return [
        LinePoint(
            round_sparsity(statistics.fmean(round_['sparsity'] for round_ in group)),
            statistics.fmean(round_['network_sparsity'] for round_ in group),
            tuple(value for r in group if (value := measured(r, metric)) is not None),
            agreed,
        )
        for agreed, group in sorted(groups.items())
    ]
