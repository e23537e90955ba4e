"""How fast the rounds of searches converge, as a picture."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes

from mmlth.analysis.networks import Measurement
from mmlth.report.convergence.runs import Line, label_of
from mmlth.report.kit import GREY, despine, figure_at, percent

_DARKEST, _PALEST = 0.05, 0.85
"""Between these viridis is seen on white."""


def plot_convergence(lines: Sequence[Line], names: Sequence[str], path: Path) -> None:
    """Draws metrics and losses against the training schedule, a line a round; PNG or SVG.

    The dense model is grey; the sparser a round, the paler its line. A dashed line marks what the
    dense model ends with. Of several searches each is a thin line, and their mean a thick one.

    Args:
        lines: The rounds of the searches, the dense model first.
        names: What to draw, a panel each.
        path: The file to write.
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
            label=percent(round_.sparsity) if round_.sparsity else 'dense',
        )
    ends = [dense[-1][1] for run in lines[0] if (dense := run.curves.dense(name))]
    if ends:
        dense_end = statistics.fmean(ends)
        axes.axhline(dense_end, color=GREY, linestyle='--', linewidth=1, zorder=1)
    axes.set_xlabel(lines[0][0].curves.unit)
    axes.locator_params(axis='x', integer=True)
    axes.set_ylabel(label_of(name))
    despine(axes)


def _coordinates(points: Sequence[Measurement]) -> tuple[list[float], list[float]]:
    return [position for position, _ in points], [value for _, value in points]


def _mean(curves: Sequence[Sequence[Measurement]]) -> list[Measurement]:
    """The mean of the curves, where all that have points have one: else it would jump."""
    columns = [dict(points) for points in curves if points]
    common = set.intersection(*map(set, columns)) if columns else set()
    return [(at, statistics.fmean(column[at] for column in columns)) for at in sorted(common)]


def _colours(rounds: int) -> list[str]:
    """Grey, and from dark to pale a colour for each round after it."""
    steps = max(1, rounds - 2)
    shades = [_DARKEST + (_PALEST - _DARKEST) * number / steps for number in range(rounds - 1)]
    viridis = matplotlib.colormaps['viridis']
    return [GREY, *(matplotlib.colors.to_hex(viridis(shade)) for shade in shades)]
