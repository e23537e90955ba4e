"""The results of a search as a picture."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from mmlth.engine.evaluation import is_average_precision, short_names
from mmlth.report.kit import GREY, despine, figure_at, percent_removed, style
from mmlth.report.searches import (
    Round,
    main_metrics,
    measured,
    saved,
)

# Tick labels closer than this share of the axis would touch.
_LABEL_GAP = 0.1


def plot_accuracy(
    rounds: Sequence[Round], path: Path, metrics: Sequence[str] | None = None
) -> None:
    """Draws metrics against the sparsity of the prunable weights, PNG or SVG by suffix.

    The axis of sparsity is logarithmic in the density, so that rounds which each prune the same
    share of what remains stand at even steps. A dashed line marks the dense model's value.

    Args:
        rounds: The rounds of the search.
        path: The file to write.
        metrics: The metrics to draw; by default the main ones, see `main_metrics`.
    """
    with figure_at(path, 8, 3.8) as figure:
        axes = figure.subplots()
        _draw_curves(axes, rounds, main_metrics(rounds) if metrics is None else metrics)
        _draw_sparsity_axis(axes, rounds)


def _draw_curves(axes: Axes, rounds: Sequence[Round], metrics: Sequence[str]) -> None:
    densities = _densities(rounds)
    for number, (metric, name) in enumerate(zip(metrics, short_names(metrics))):
        colour, marker, *_ = style(number)
        values = [measured(round_, metric) for round_ in rounds]
        heights = [math.nan if value is None else value for value in values]
        axes.plot(densities, heights, color=colour, marker=marker, label=name)
        if values[0] is not None:
            axes.axhline(values[0], color=colour, linestyle='--', linewidth=1, alpha=0.7, zorder=1)
    if metrics:
        label = 'dense, ended early' if saved(rounds[0]) else 'dense model'
        axes.plot([], [], color=GREY, linestyle='--', linewidth=1, label=label)
        axes.figure.legend(loc='outside right upper', frameon=False)
    precisions = [name for name in metrics if is_average_precision(name)]
    axes.set_ylabel('average precision (0 to 1)' if precisions else 'metric value')
    despine(axes)


def _draw_sparsity_axis(axes: Axes, rounds: Sequence[Round]) -> None:
    densities = _densities(rounds) or [1.0]
    least, most = min(densities), max(densities)
    margin = (most / least) ** 0.04 if most > least else 1.1
    labelled = _spread(densities)
    axes.set_xscale('log')
    axes.set_xticks(labelled, [percent_removed(density) for density in labelled])
    axes.set_xticks(densities, labels=[''] * len(densities), minor=True)
    axes.set_xlim(most * margin, least / margin)  # from dense at the left to sparse
    axes.set_xlabel('sparsity of the prunable weights (%), spaced by log density')


def _densities(rounds: Sequence[Round]) -> list[float]:
    # At least one weight, for a logarithmic axis has no 0.
    return [max(round_['kept'], 1) / round_['prunable'] for round_ in rounds]


def _spread(densities: Sequence[float]) -> list[float]:
    """Chooses densities to label: both ends, and between them those that stand clear."""
    ordered = sorted(densities, reverse=True)
    gap = _LABEL_GAP * math.log(ordered[0] / ordered[-1])
    chosen = ordered[:1]
    for density in ordered:
        if math.log(chosen[-1] / density) > gap:
            chosen.append(density)
    chosen[-1] = ordered[-1]
    return chosen
