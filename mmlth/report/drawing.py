"""What pictures of models side by side have in common."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmlth.report.plot import COLOURS, MARKERS
from mmlth.ticket import atomic_path

DENSE_COLOUR = '#555555'
"""Of the dense model, everywhere."""


@contextmanager
def drawing(path: Path, size: tuple[float, float]) -> Iterator[Figure]:
    """A figure that is written when it is done; an error leaves the file as it was.

    It is in the default style, whatever the user's session has set, and leaves their figures alone.

    Args:
        path: Where to write, PNG or SVG by the suffix.
        size: Width and height in inches.
    """
    with matplotlib.style.context('default'):
        matplotlib.rcParams['svg.hashsalt'] = 'mmlth'  # else every SVG would be another file
        figure = Figure(figsize=size, dpi=160, layout='constrained')
        FigureCanvasAgg(figure)
        yield figure
        with atomic_path(path) as file:
            figure.savefig(
                file,
                format=path.suffix[1:],
                bbox_inches='tight',
                pad_inches=0.15,
                metadata={'Date': None} if path.suffix == '.svg' else None,
            )


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
    styles = [Style(DENSE_COLOUR, 'o', '')]
    for number in range(len(models) - 1):
        again, index = divmod(number, len(COLOURS))
        marker = MARKERS[(index + again) % len(MARKERS)]
        styles.append(Style(COLOURS[index], marker, ('', '///', '...')[again % 3]))
    return dict(zip(models, styles))


def across(axes: Axes, rows: Sequence[tuple[str, float]]) -> list[float]:
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
    axes.spines[['top', 'right', 'left']].set_visible(False)
    axes.grid(axis='x', color='#e6e6e6')
    axes.set_axisbelow(True)
    return middles
