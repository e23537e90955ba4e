"""What pictures of models side by side have in common."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from mmlth.report.kit.figure import COLOURS, GREY, MARKERS, despine


class Style(NamedTuple):
    """How a model is drawn.

    Attributes:
        colour: Of all that is drawn of it.
        marker: Of its points.
        hatch: Of its bars.
    """

    colour: str
    marker: str
    hatch: str


def model_styles(models: Sequence[str]) -> dict[str, Style]:
    """A style of each model: the dense one, which is the first, is grey.

    Where colours are used up, they start again with other markers and hatches.

    Args:
        models: Their names.
    """
    styles = [Style(GREY, 'o', '')]
    for number in range(len(models) - 1):
        again, index = divmod(number, len(COLOURS))
        marker = MARKERS[(index + again) % len(MARKERS)]
        styles.append(Style(COLOURS[index], marker, ('', '///', '...')[again % 3]))
    return dict(zip(models, styles))


def row_axis(axes: Axes, rows: Sequence[tuple[str, float]]) -> list[float]:
    """Makes a row of each label, the first at the top.

    Args:
        axes: To draw in.
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
