"""How alike tickets are, beside what chance gives, as a heat map."""

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage

from mmlth.analysis.masks import Matrix, Similarity
from mmlth.report.kit import figure_at

_CELL = 0.42  # inches
_MOST_NUMBERED = 20


def plot_similarity(similarity: Similarity, names: Sequence[str], path: Path) -> None:
    """Draws the IoU above the diagonal, how much it is above chance below, PNG or SVG by suffix.

    Args:
        similarity: How alike the masks of the tickets are.
        names: The names of the tickets.
        path: The file to write.
    """
    side = max(2.5, _CELL * len(names))
    above = np.triu(np.ones_like(similarity.iou, dtype=bool), 1)
    gain = similarity.iou - similarity.chance_iou
    most = max(float(np.nanmax(np.abs(np.where(above.T, gain, 0)), initial=0)), 0.05)
    with figure_at(path, side + 3.4, side + 1.6) as figure:
        axes = figure.subplots()
        upper = _half(
            axes, np.where(above, similarity.iou, np.nan), 'viridis', Normalize(0, 1), '.2f'
        )
        shade = Normalize(-most, most)
        lower = _half(axes, np.where(above.T, gain, np.nan), 'PuOr', shade, '+.2f')
        axes.set_xticks(range(len(names)), list(names), rotation=90, fontsize=7)
        axes.set_yticks(range(len(names)), list(names), fontsize=7)
        axes.tick_params(length=0, pad=2)
        axes.spines[:].set_visible(False)
        for image, label in (
            (upper, 'above the diagonal: IoU'),
            (lower, 'below: IoU minus that of chance'),
        ):
            bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=30, pad=0.02)
            bar.set_label(label, fontsize=8)
            bar.ax.tick_params(labelsize=7)


def _half(axes: Axes, values: Matrix, colours: str, norm: Normalize, form: str) -> AxesImage:
    colour_map = matplotlib.colormaps[colours]
    image = axes.imshow(
        np.ma.masked_invalid(values), cmap=colour_map, norm=norm, interpolation='nearest'
    )
    if len(values) <= _MOST_NUMBERED:
        for (row, column), value in np.ndenumerate(values):
            if not math.isnan(value):
                red, green, blue, _ = colour_map(norm(value))
                dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
                axes.text(
                    column,
                    row,
                    format(round(value, 2) + 0.0, form),
                    ha='center',
                    va='center',
                    fontsize=6,
                    color='white' if dark else 'black',
                    in_layout=False,
                )
    return image
