"""How a metric falls as bits of a mask are flipped, as a picture."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from mmlth.report.kit import GREY, despine, figure_at, percent, style
from mmlth.report.masks.noisy_tickets import (
    NoisyTicket,
    noisy_values,
    same_noise,
    values_without_noise,
)


def plot_noise(noisy: Sequence[NoisyTicket], metric: str, dense: float | None, path: Path) -> None:
    """Draws a line a ticket from no noise to the most, PNG or SVG by suffix.

    Args:
        noisy: The tickets with noise of searches that differ by seed, whose mean and standard
            deviation are drawn.
        metric: The name of the metric.
        dense: The dense model's value, if it has one.
        path: The file to write.
    """
    with figure_at(path, 8, 4.5) as figure:
        axes = figure.subplots()
        lines: dict[tuple[int, bool], list[NoisyTicket]] = {}
        for each in noisy:
            lines.setdefault((each.ticket['round'], not each.matched), []).append(each)
        for number, ((index, unmatched), line) in enumerate(sorted(lines.items())):
            colour, marker, *_ = style(number)
            points = _line(line, metric)
            axes.errorbar(
                [100 * share for share, _ in points],
                [statistics.fmean(values) for _, values in points],
                [statistics.stdev(values) if len(values) > 1 else 0 for _, values in points],
                color=colour,
                marker=marker,
                capsize=2,
                linestyle=':' if unmatched else '-',
                label=f'round {index} ({percent(line[0].ticket["sparsity"])} sparse)'
                + (', other density' if unmatched else ''),
            )
        if dense is not None:
            axes.axhline(dense, color=GREY, linestyle='--', linewidth=1, label='dense model')
        axes.set_xlabel("kept bits of the ticket's mask that are flipped (%)")
        axes.set_ylabel(metric)
        despine(axes)
        figure.legend(loc='outside right upper', frameon=False)


def _line(noisy: Sequence[NoisyTicket], metric: str) -> list[tuple[float, list[float]]]:
    """Share and values of each point: the tickets without noise, then those with more and more."""
    points = [(0.0, values_without_noise(noisy, metric))]
    points += [
        (statistics.fmean(each.flips.kept for each in group), noisy_values(group, metric))
        for group in same_noise(noisy).values()
    ]
    return [(share, values) for share, values in points if values]
