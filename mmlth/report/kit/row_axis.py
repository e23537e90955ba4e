"""An axis of labelled rows."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from mmlth.report.kit.figure import despine


def row_axis(axes: Axes, rows: Sequence[tuple[str, float]]) -> list[float]:
    """Makes a row of each label, the first at the top.

    Args:
        axes: The axes to draw in.
        rows: Labels and the heights of their rows.

    Returns:
        The middle of each row on the axis, which goes down from 0.
    """
    heights = [height for _, height in rows]
    middles = [sum(heights[:n]) + height / 2 for n, height in enumerate(heights)]
    axes.set_yticks(middles, [label for label, _ in rows])
    axes.set_ylim(sum(heights), 0)
    axes.tick_params(axis='y', length=0)
    despine(axes, 'x')
    axes.spines['left'].set_visible(False)
    return middles
