"""What tickets cost as a picture."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from mmlth.report.cost.cost_table import MEGABYTE
from mmlth.report.cost.costs import FILE, Costs, bytes_of, is_dense, measured_in, works_by_module
from mmlth.report.kit import FORMATS, GREY, despine, figure_at, style

_GIGA = 1e9
_SPARSITY = 'sparsity of the prunable weights (%)'
_SIZE = 'size on disk (MB)'
_STYLES = {
    name: style(number)
    for number, name in enumerate((FILE, *(name for name in FORMATS if name != 'dense')))
}


def plot_costs(costs: Costs, metric: str | None, path: Path) -> None:
    """Draws bytes and MACs against sparsity, and the metric against both, PNG or SVG by suffix.

    Of several searches all are means; bars are standard deviations of the metric.

    Args:
        costs: What the tickets of one search or several cost.
        metric: The metric to draw, if any.
        path: The file to write.
    """
    panels: list[Callable[[Axes], None]] = [partial(_draw_sizes, costs=costs)]
    if costs.macs is not None:
        panels.append(partial(_draw_macs, costs=costs))
    if metric is not None:
        panels.append(partial(_draw_metric_by_size, costs=costs, metric=metric))
    if metric is not None and costs.macs is not None:
        panels.append(partial(_draw_metric_by_macs, costs=costs, metric=metric))
    rows = max(1, len(panels) // 2)
    with figure_at(path, 8.8 if len(panels) > 1 else 6, 3.8 * rows) as figure:
        grid = figure.subplots(rows, len(panels) // rows, squeeze=False)
        for axes, draw in zip(grid.flat, panels):
            draw(axes)
            despine(axes)


def _draw_sizes(axes: Axes, costs: Costs) -> None:
    for name, (colour, marker, *_) in _STYLES.items():
        label = FORMATS.get(name, name)
        sizes = _sizes(costs, name)
        axes.plot(_sparsities(costs), sizes, color=colour, marker=marker, markersize=4, label=label)
    dense = _sizes(costs, 'dense')
    axes.plot(_sparsities(costs), dense, color=GREY, linestyle='--', label=FORMATS['dense'])
    axes.set_ylim(bottom=0)
    axes.set_xlabel(_SPARSITY)
    axes.set_ylabel(_SIZE)
    axes.legend(frameon=False, fontsize=8)


def _draw_macs(axes: Axes, costs: Costs) -> None:
    unit, label = _unit(costs)
    for number, (name, _, works) in enumerate(works_by_module(costs)):
        colour, marker, *_ = style(number)
        counts = [_mean(work.sparse / unit for work in group if work) for group in works]
        axes.plot(_sparsities(costs), counts, color=colour, marker=marker, markersize=4, label=name)
    axes.plot(_sparsities(costs), _macs(costs), color=GREY, alpha=0.6, linewidth=3, label='all')
    dense = _dense_macs(costs) / unit
    axes.axhline(dense, color=GREY, linestyle='--', label='all, with dense weights')
    axes.set_ylim(0, 1.06 * dense)
    axes.set_xlabel(_SPARSITY)
    axes.set_ylabel(label)
    axes.legend(frameon=False, fontsize=8, loc='upper right', bbox_to_anchor=(1, 0.93))


def _draw_metric_by_size(axes: Axes, costs: Costs, metric: str) -> None:
    for name in list(_STYLES)[1:]:
        axes.plot(
            _sizes(costs, name),
            _heights(costs, metric),
            color=_STYLES[name].colour,
            marker=_STYLES[name].marker,
            markersize=3,
            linewidth=1,
            label=FORMATS[name],
        )
    _draw_metric(axes, costs, metric, _sizes(costs, FILE), FILE)
    axes.set_xlabel(_SIZE)


def _draw_metric_by_macs(axes: Axes, costs: Costs, metric: str) -> None:
    _draw_metric(axes, costs, metric, _macs(costs), 'all MACs')
    axes.set_xlabel(_unit(costs)[1])


def _draw_metric(
    axes: Axes, costs: Costs, metric: str, places: Sequence[float], label: str
) -> None:
    """A line with the names of the tickets, from what costs most at the left to the cheapest."""
    values = [measured_in(group, metric) for group in costs.rounds]
    heights = _heights(costs, metric)
    several = any(len(each) > 1 for each in values)
    axes.errorbar(
        places,
        heights,
        [statistics.stdev(each) if len(each) > 1 else 0 for each in values] if several else None,
        color=style(0).colour,
        marker='o',
        markersize=4,
        capsize=2,
        label=label,
    )
    for place, group, height in zip(places, costs.rounds, heights):
        if math.isfinite(height) and place > 0:
            axes.annotate(
                group[0][0].name.removeprefix('round '),
                (place, height),
                xytext=(5, 4),
                textcoords='offset points',
                fontsize=8,
                color=GREY,
            )
    dense = [each for each, group in zip(values, costs.rounds) if is_dense(group[0][0])]
    if dense and dense[0]:
        mean = statistics.fmean(dense[0])
        axes.axhline(mean, color=GREY, linestyle='--', linewidth=1, label='dense model')
    _space_by_logarithm(axes)
    axes.invert_xaxis()
    axes.set_ylabel(metric)
    axes.legend(frameon=False, fontsize=8, loc='lower left')


def _space_by_logarithm(axes: Axes) -> None:
    """Spaces costs that span a decade; less than that may hold no round number to mark."""
    least, most = axes.dataLim.minposx, axes.dataLim.intervalx.max()
    if most < 10 * least:
        axes.set_xlim(left=0)
        return
    axes.set_xscale('log')
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
    axes.xaxis.set_minor_locator(NullLocator())


def _sparsities(costs: Costs) -> list[float]:
    return [_mean(100 * row.sparsity for _, row in group) for group in costs.rounds]


def _sizes(costs: Costs, name: str) -> list[float]:
    """The sizes in megabytes."""
    sizes = [[bytes_of(row, name) for _, row in group] for group in costs.rounds]
    return [_mean(size / MEGABYTE for size in each if size is not None) for each in sizes]


def _macs(costs: Costs) -> list[float]:
    """The MACs in the unit of the picture."""
    unit, _ = _unit(costs)
    works = [[row.macs for _, row in group] for group in costs.rounds]
    return [_mean(work.sparse / unit for work in each if work is not None) for each in works]


def _dense_macs(costs: Costs) -> int:
    return 0 if costs.macs is None else costs.macs.macs.dense


def _unit(costs: Costs) -> tuple[float, str]:
    """The unit of the MACs, and the label that says so."""
    if _dense_macs(costs) >= _GIGA:
        return _GIGA, 'MACs an image (billions)'
    return 1e6, 'MACs an image (millions)'


def _heights(costs: Costs, metric: str) -> list[float]:
    return [_mean(measured_in(group, metric)) for group in costs.rounds]


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return statistics.fmean(numbers) if numbers else math.nan
