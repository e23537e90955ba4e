"""How all plots look, and how they are written."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmlth.ticket import atomic_path

_DOTS_PER_INCH = 160


@contextlib.contextmanager
def figure_at(path: Path, width: float, height: float) -> Iterator[Figure]:
    """An empty figure, which is written at the end.

    matplotlib's default style holds for the while: whatever style (or usetex) the user's session
    has set, the picture stays the same. Going without pyplot leaves the user's backend and figures
    alone.

    Args:
        path: The file to write, ``.png`` or ``.svg``.
        width: The width in inches.
        height: The height in inches.
    """
    with matplotlib.style.context('default'):
        matplotlib.rcParams['svg.hashsalt'] = 'mmlth'  # else every SVG would be another file
        figure = Figure(figsize=(width, height), dpi=_DOTS_PER_INCH, layout='constrained')
        FigureCanvasAgg(figure)
        yield figure
        kind = path.suffix.lstrip('.')
        with atomic_path(path) as file:
            figure.savefig(
                file,
                format=kind,
                bbox_inches='tight',
                pad_inches=0.15,
                metadata={'Date': None} if kind == 'svg' else None,
            )


def despine(axes: Axes, grid: Literal['x', 'y'] = 'y') -> None:
    """Takes away the frame at the top and the right, and adds a pale grid.

    Args:
        axes: The axes to change.
        grid: Across which axis: ``x`` or ``y``.
    """
    axes.spines[['top', 'right']].set_visible(False)
    axes.grid(axis=grid, color='#e6e6e6')
    axes.set_axisbelow(True)
