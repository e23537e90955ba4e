"""Lines beside each other as a picture."""

from collections.abc import Sequence
from pathlib import Path

from mmlth.report.kit import GREY, Style, despine, figure_at, percent_removed, style
from mmlth.report.searches import TICKET, LineComparison

_KNOWN = (
    *('random', 'permuted', 'reinit', 'one_shot', 'learning_rate', 'fine_tuning'),
    *('random_layerwise', 'complement', 'noise', 'data_order', 'long_dense'),
)
"""Lines that look the same in every plot; others take what is left, in their order."""
_SHIFT = 0.006
"""How far lines are set apart, as a share of the axis, so that their error bars can be seen."""


def plot_comparison(comparison: LineComparison, path: Path) -> None:
    """Draws each line's mean against sparsity with its standard deviation, PNG or SVG by suffix.

    The dense model is a band of one standard deviation about its mean; a line that reaches into
    it, or above, wins (Girish et al., CVPR 2021). Sparsities are spaced by the logarithm of the
    density.

    Args:
        comparison: The lines of one metric.
        path: The file to write.
    """
    with figure_at(path, 8.5, 4.0) as figure:
        axes = figure.subplots()
        dense = comparison.dense
        axes.axhline(dense.mean, color=GREY, linestyle='--', linewidth=1, label='dense')
        if dense.std is not None:
            band = (dense.mean - dense.std, dense.mean + dense.std)
            axes.axhspan(*band, color=GREY, alpha=0.12, linewidth=0, label='dense ± 1 std')
        styles = line_styles(list(comparison.lines))
        for index, (name, points) in enumerate(comparison.lines.items()):
            colour, marker, line, _ = styles[name]
            shift = 1 + _SHIFT * (index - len(comparison.lines) / 2)
            axes.errorbar(
                [shift * max(1 - point.sparsity, 1e-9) for point in points],
                [point.mean for point in points],
                [point.std or 0 for point in points],
                color=colour,
                marker=marker,
                linestyle=line,
                markersize=5,
                capsize=2,
                elinewidth=1,
                linewidth=2.2 if name == TICKET else 1.2,
                label=name,
                zorder=3 if name == TICKET else 2,
            )
        densities = sorted({1 - sparsity for sparsity in comparison.sparsities}, reverse=True)
        axes.set_xscale('log')
        axes.set_xticks(densities, [percent_removed(density) for density in densities])
        axes.set_xticks([], minor=True)
        axes.invert_xaxis()
        axes.set_xlabel('sparsity of the prunable weights (%), spaced by log density')
        axes.set_ylabel(f'{comparison.metric}, mean ± std over {len(dense.values)} seeds')
        despine(axes)
        figure.legend(loc='outside right upper', frameon=False)


def line_styles(names: Sequence[str]) -> dict[str, Style]:
    """The style of each line: of the first 36 beside the ticket no two are alike.

    Args:
        names: The names of the lines.
    """
    unknown = [name for name in names if name not in (TICKET, *_KNOWN)]
    others = {name: style(number, taken=1) for number, name in enumerate((*_KNOWN, *unknown))}
    return {TICKET: style(0), **others}
