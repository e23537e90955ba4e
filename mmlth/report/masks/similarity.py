"""How alike tickets are, beside what chance gives: table, CSV and a heat map."""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage
from rich.table import Table
from rich.text import Text

from mmlth.analysis.masks import Matrix, Similarity
from mmlth.report.kit import ABSENT, figure_at, plain_table, write_csv

HEADER = (
    *('first', 'second', 'kept_by_first', 'kept_by_second', 'kept_by_both'),
    *('iou', 'chance_iou', 'hamming', 'chance_hamming'),
)
IOU_CAPTION = """\
IoU: weights kept by both / kept by either
below it: of independent masks with as many weights in each layer"""
HAMMING_CAPTION = """\
Hamming distance: share of the prunable weights that just one of the two masks keeps
below it: of independent masks with as many weights in each layer"""
_CELL = 0.42  # inches
_MOST_NUMBERED = 20


def iou_table(found: Similarity, names: Sequence[str]) -> Table:
    """A row a ticket: its IoU with each one before, and below it the one that chance gives."""
    return _table('IoU', found.iou, found.chance_iou, names, IOU_CAPTION)


def hamming_table(found: Similarity, names: Sequence[str]) -> Table:
    """The same of the Hamming distance."""
    return _table('distance', found.hamming, found.chance_hamming, names, HAMMING_CAPTION)


def write_similarity_csv(found: Similarity, names: Sequence[str], path: Path) -> None:
    """Writes a row a pair of tickets: see `HEADER`.

    Args:
        found: Of the tickets.
        names: Of them.
        path: Where to write.
    """
    matrices = found.iou, found.chance_iou, found.hamming, found.chance_hamming
    rows = []
    for i, j in itertools.combinations(range(len(names)), 2):
        counts = found.overlap(i, j)
        values = [None if np.isnan(matrix[i, j]) else float(matrix[i, j]) for matrix in matrices]
        rows.append([names[i], names[j], counts.first, counts.second, counts.both, *values])
    write_csv(path, HEADER, rows)


def plot_similarity(found: Similarity, names: Sequence[str], path: Path) -> None:
    """Draws the IoU above the diagonal, how much it is above chance below, PNG or SVG by suffix.

    Args:
        found: Of the tickets.
        names: Of them.
        path: Where to write.
    """
    side = max(2.5, _CELL * len(names))
    above = np.triu(np.ones_like(found.iou, dtype=bool), 1)
    gain = found.iou - found.chance_iou
    most = max(float(np.nanmax(np.abs(np.where(above.T, gain, 0)), initial=0)), 0.05)
    with figure_at(path, side + 3.4, side + 1.6) as figure:
        axes = figure.subplots()
        upper = _half(axes, np.where(above, found.iou, np.nan), 'viridis', Normalize(0, 1), '.2f')
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


def _table(
    first: str, values: Matrix, by_chance: Matrix, names: Sequence[str], caption: str
) -> Table:
    table = plain_table(first)
    for name in names[:-1]:
        table.add_column(Text(name), justify='right')
    for i, name in enumerate(names[1:], start=1):
        pairs = [f'{_number(values[i, j])}\n{_number(by_chance[i, j])}' for j in range(i)]
        table.add_row(Text(name), *pairs, *[''] * (len(names) - 1 - i))
    table.caption, table.caption_justify = caption, 'left'
    return table


def _number(value: float) -> str:
    return ABSENT if math.isnan(value) else f'{value:.3f}'
