"""How fast the rounds of searches converge: tables, CSV and a picture."""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from rich.table import Table
from rich.text import Text

from mmlth.analysis.networks import SHARES, Measurement, epochs_to_shares, lower_is_better
from mmlth.report.convergence.curves import (
    TRAIN_LOSS,
    VALIDATION_LOSS,
    Curves,
    RoundCurves,
    read_curves,
)
from mmlth.report.kit import GREY, despine, figure_at, mean_cell, percent, plain_table, write_csv
from mmlth.report.searches import Searches, same_rounds

_DARKEST, _PALEST = 0.05, 0.85
"""Between these viridis is seen on white."""


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
        """Of the round: in a branch, that of the search's round whose ticket it changes."""
        return self.round.of_round if self.branch else self.round.index

    def points(self, name: str) -> Sequence[Measurement]:
        """What was measured of a metric or loss; empty where nothing was."""
        return self.round.points.get(name, ())

    def reached(self, name: str) -> dict[float, float | None]:
        """By share of the dense result where it is first reached; empty where neither is known."""
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


def convergence_table(lines: Sequence[Line], name: str, searches: int = 1) -> Table:
    """A row a round: how long it takes to shares of what the dense model ends with.

    Args:
        lines: Of searches, then those of their branches.
        name: Of a metric or loss that was measured.
        searches: How many there are; over several, cells tell mean and standard deviation.
    """
    unit = lines[0][0].curves.unit
    form = _decimals(max((abs(points[-1][1]) for points in _measured(lines, name)), default=1))
    table = plain_table('round')
    table.columns[0].justify = 'right'
    table.add_column('sparsity', justify='right', no_wrap=True)
    for share in SHARES:
        table.add_column(f'{share:.0%}', justify='right', no_wrap=True)
    table.add_column(Text(f'{label_of(name)}, at the end', overflow='fold'), justify='right')
    for branch, group in itertools.groupby(lines, key=lambda line: line[0].branch):
        for line in group:
            ends = [points[-1][1] for points in _measured([line], name)]
            table.add_row(
                Text(f'{branch}: {line[0].number}' if branch else f'{line[0].number}'),
                percent(line[0].round.sparsity),
                *_positions(line, name),
                mean_cell(ends, form, searches),
            )
        table.add_section()
    table.caption = _caption(name, unit, searches)
    table.caption_justify = 'left'
    return table


def _measured(lines: Sequence[Line], name: str) -> list[Sequence[Measurement]]:
    """What each run of the lines measured, as far as it did."""
    return [points for line in lines for run in line if (points := run.points(name))]


def _decimals(largest: float) -> str:
    """Four decimals, and more where the largest number would keep fewer than four digits."""
    small = math.isfinite(largest) and 0 < largest < 0.1
    return f'.{3 - math.floor(math.log10(largest)) if small else 4}f'


def write_convergence_csv(runs: Sequence[Run], path: Path) -> None:
    """Writes a row each round and position: all that was measured there.

    Columns are search, branch, round, sparsity, epochs (or iterations, in loops without epochs),
    train/loss, val/loss and the losses that it consists of, and the metrics, as far as there are
    any.

    Args:
        runs: Of searches and branches.
        path: Where to write.
    """
    names = list(dict.fromkeys(name for run in runs for name in run.curves.names))
    unit = runs[0].curves.unit if runs else 'epochs'
    rows: list[list[object]] = []
    for run in runs:
        columns = [dict(run.points(name)) for name in names]
        for position in sorted({at for column in columns for at in column}):
            values = [column.get(position) for column in columns]
            place = [run.search, run.branch, run.number, run.round.sparsity, position]
            rows.append([*place, *values])
    write_csv(path, ['search', 'branch', 'round', 'sparsity', unit, *names], rows)


def plot_convergence(lines: Sequence[Line], names: Sequence[str], path: Path) -> None:
    """Draws metrics and losses against the training schedule, a line a round; PNG or SVG.

    The dense model is grey; the sparser a round, the paler its line. A dashed line marks what the
    dense model ends with. Of several searches each is a thin line, and their mean a thick one.

    Args:
        lines: Of searches, the dense model first.
        names: What to draw, a panel each.
        path: Where to write.
    """
    with figure_at(path, 4.3 * len(names) + 1.3, 3.6) as figure:
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names):
            _draw(axes, lines, name)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc='outside right upper', frameon=False, title='sparsity')


def _draw(axes: Axes, lines: Sequence[Line], name: str) -> None:
    for line, colour in zip(lines, _colours(len(lines))):
        round_ = line[0].round
        if len(line) > 1:
            for run in line:
                axes.plot(*_coordinates(run.points(name)), color=colour, linewidth=0.6, alpha=0.6)
        points = _mean([run.points(name) for run in line])
        axes.plot(
            *_coordinates(points),
            color=colour,
            linewidth=2 if colour == GREY else 1.5,
            marker='o' if len(points) <= 30 else None,
            markersize=3,
            label=percent(round_.sparsity) if round_.index else 'dense',
        )
    ends = [dense[-1][1] for run in lines[0] if (dense := run.curves.dense(name))]
    if ends:
        dense_end = statistics.fmean(ends)
        axes.axhline(dense_end, color=GREY, linestyle='--', linewidth=1, zorder=1)
    axes.set_xlabel(lines[0][0].curves.unit)
    axes.locator_params(axis='x', integer=True)
    axes.set_ylabel(label_of(name))
    despine(axes)


def label_of(name: str) -> str:
    """What a curve is called in words."""
    losses = {TRAIN_LOSS: 'training loss', VALIDATION_LOSS: 'validation loss'}
    return losses.get(name, name)


def _coordinates(points: Sequence[Measurement]) -> tuple[list[float], list[float]]:
    return [position for position, _ in points], [value for _, value in points]


def _mean(curves: Sequence[Sequence[Measurement]]) -> list[Measurement]:
    """Over the curves that have points, where all of them have one: else it would jump."""
    columns = [dict(points) for points in curves if points]
    common = set.intersection(*map(set, columns)) if columns else set()
    return [(at, statistics.fmean(column[at] for column in columns)) for at in sorted(common)]


def _positions(line: Line, name: str) -> list[str]:
    """Where the searches of a line reach each share, of those that were measured."""
    found = [reached for run in line if (reached := run.reached(name))]
    form = 'g' if len(found) < 2 else '.1f'
    return [
        mean_cell([at for each in found if (at := each[share]) is not None], form, len(found))
        for share in SHARES
    ]


def _caption(name: str, unit: str, searches: int) -> str:
    goal = (
        f'a {label_of(name)} no higher than the dense one divided by that share'
        if lower_is_better(name)
        else f'that share of the dense {label_of(name)}'
    )
    text = f'90% …: {unit} of the schedule until a validation first finds {goal}'
    if searches < 2:
        return text
    return (
        f'{text}, each search measured against its own dense model\n'
        'mean ± standard deviation over the searches; 1 of 2: the other never gets there, or is '
        'not as far yet'
    )


def _colours(rounds: int) -> list[str]:
    """Grey, and from dark to pale a colour for each round after it."""
    steps = max(1, rounds - 2)
    shades = [_DARKEST + (_PALEST - _DARKEST) * number / steps for number in range(rounds - 1)]
    viridis = matplotlib.colormaps['viridis']
    return [GREY, *(matplotlib.colors.to_hex(viridis(shade)) for shade in shades)]
