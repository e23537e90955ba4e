"""The rounds of searches and branches, each with what it is measured against."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmlth.analysis.networks import Measurement, epochs_to_shares, lower_is_better
from mmlth.report.convergence.curves import (
    TRAIN_LOSS,
    VALIDATION_LOSS,
    Curves,
    RoundCurves,
    read_curves,
)
from mmlth.report.searches import Searches, same_rounds


@dataclass(frozen=True)
class Run:
    """One round of a search or branch, with what it is measured against.

    Attributes:
        search: Name of the search.
        branch: Name of the branch; empty for the search itself.
        curves: All rounds of it.
        round: The round.
    """

    search: str
    branch: str
    curves: Curves
    round: RoundCurves

    @property
    def number(self) -> int:
        """The number of the round; in a branch that of the round whose ticket it changes."""
        return self.round.of_round if self.branch else self.round.index

    def points(self, name: str) -> Sequence[Measurement]:
        """What was measured of a metric or loss; empty where nothing was."""
        return self.round.points.get(name, ())

    def reached(self, name: str) -> dict[float, float | None]:
        """Where each share of the dense result is first reached; empty where that is unknown."""
        points, dense = self.points(name), self.curves.dense(name)
        if not points or not dense:
            return {}
        return epochs_to_shares(points, dense[-1][1], lower_is_better(name))


Line = Sequence[Run]
"""The same round of searches that differ by seed."""


def read_runs(searches: Searches) -> list[Run]:
    """Reads what was measured of searches and their branches, search by search.

    The dense round, which branches share with their search, is listed once.

    Args:
        searches: The searches of the page.
    """
    runs = []
    for search, name, branches in zip(searches, searches.names, searches.branches):
        curves = read_curves(search)
        runs += [Run(name, '', curves, round_) for round_ in curves.rounds]
        for branch in branches:
            curves = read_curves(branch.search)
            runs += [Run(name, branch.name, curves, round_) for round_ in curves.rounds[1:]]
    return runs


def lines_of(runs: Sequence[Run]) -> list[Line]:
    """Joins the same rounds: those of the searches themselves, then those of each branch."""
    names = sorted({run.branch for run in runs})
    return [
        line
        for name in names
        for line in same_rounds(
            (run for run in runs if run.branch == name),
            lambda run: (run.number, run.round.sparsity),
        )
    ]


def label_of(name: str) -> str:
    """What a curve is called in words."""
    losses = {TRAIN_LOSS: 'training loss', VALIDATION_LOSS: 'validation loss'}
    return losses.get(name, name)
