"""What pictures of models side by side have in common."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

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


def model_styles(models: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each model: the dense one, which is the first, is grey.

    Args:
        models: Their names.
    """
    others = itertools.cycle(zip(COLOURS, MARKERS, strict=True))
    return dict(zip(models, [(DENSE_COLOUR, 'o'), *itertools.islice(others, len(models))]))


def across(axes: Axes, labels: Sequence[str]) -> None:
    """Makes a row of each label, the first at the top, and lines that lead the eye down."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis='y', length=0)
    axes.spines[['top', 'right', 'left']].set_visible(False)
    axes.grid(axis='x', color='#e6e6e6')
    axes.set_axisbelow(True)
