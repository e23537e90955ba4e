"""The densities of all layers in many tickets as one heat map."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.image import AxesImage
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from mmlth.analysis.masks import Survival, module_of
from mmlth.report.kit import COLOURS, bare_percent, figure_at

_MOST_ROWS = 110
"""How many layers a column has at most; a model with more layers has two columns."""
_ROW = 0.125
"""Height of a row in inches."""
_FLOOR = 1e-3
"""Densities below have the colour of this one."""
_MOST_NUMBERED = 12
"""With more tickets the numbers would not fit into their cells."""
_MOST_NUMBERS = 800
"""How many rows a column has at most; more take seconds to draw."""
_DEAD = COLOURS[1]


class _Row(NamedTuple):
    label: str
    values: npt.NDArray[np.float64] | None = None  # [tickets]; none in the gap between modules
    module: str = ''
    heading: bool = False


def plot_density_map(
    layers: Survival, modules: Survival, tickets: Sequence[str], path: Path
) -> None:
    """Draws the density of each layer (a row) in each ticket (a column), PNG or SVG by suffix.

    Layers stand below their module, whose own density is in its heading. Colours are spaced by the
    logarithm of the density. A layer that keeps nothing has a colour beside the scale.

    Args:
        layers: The densities by layer.
        modules: The same by module.
        tickets: The names of the tickets.
        path: The file to write.
    """
    parts = _columns(_rows(layers, modules))
    length, columns = max(map(len, parts)), len(parts)
    least = layers.parts[layers.parts > 0].min(initial=1.0)
    least_shown = min(max(_FLOOR, least), 0.5)
    with figure_at(path, 9 if columns == 2 else 7, _ROW * length + 1.6) as figure:
        all_axes = figure.subplots(1, columns, squeeze=False)[0]
        for axes, part in zip(all_axes, parts):
            image = _draw(axes, part, tickets, least_shown)
            axes.set_ylim(length - 0.5, -0.5)
        bar = figure.colorbar(
            image,
            ax=list(all_axes),
            location='top',
            shrink=0.6 if columns == 2 else 0.8,
            aspect=40,
            pad=0.01,
            extend='neither' if layers.parts.all() else 'min',
        )
        bar.ax.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5)))
        bar.ax.xaxis.set_minor_locator(NullLocator())
        bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f'{100 * share:g}'))
        bar.ax.tick_params(labelsize=7)
        notes = [] if layers.parts.all() else ['orange: nothing kept']
        if least < _FLOOR:
            notes.insert(0, f'darkest: {100 * _FLOOR:g} or less')
        bar.set_label('; '.join(['density: weights kept (%)', *notes]), fontsize=8)


def _rows(layers: Survival, modules: Survival) -> list[_Row]:
    rows = [_Row('all prunable weights', layers.whole, heading=True)]
    for module, densities in zip(modules.names, modules.parts):
        rows += [_Row(''), _Row(module, densities, module, heading=True)]
        for name, values in zip(layers.names, layers.parts):
            if module_of(name) == module:
                label = name.removeprefix(f'{module}.').removesuffix('.weight')
                rows.append(_Row(label, values, module))
    return rows


def _columns(rows: list[_Row]) -> list[list[_Row]]:
    """One column, or two; the second tells in which module it begins."""
    if len(rows) <= _MOST_ROWS:
        return [rows]
    half = math.ceil(len(rows) / 2)
    first, second = rows[:half], rows[half:]
    if second[0].module and not second[0].heading:
        second.insert(0, _Row(f'{second[0].module} (continued)', heading=True))
    return [first, second]


def _draw(axes: Axes, rows: Sequence[_Row], tickets: Sequence[str], least: float) -> AxesImage:
    gap = np.full(len(tickets), np.nan)
    values = np.array([gap if row.values is None else row.values for row in rows])
    colours = matplotlib.colormaps['viridis'].with_extremes(under=_DEAD, bad='white')
    # A density of 0 has no logarithm: it is drawn as one below the scale.
    shown = np.where(values > 0, np.maximum(values, least), least / 2)
    shown[np.isnan(values)] = np.nan
    norm = LogNorm(least, 1)
    image = axes.imshow(shown, cmap=colours, norm=norm, aspect='auto', interpolation='nearest')
    if len(tickets) <= _MOST_NUMBERED and values.size <= _MOST_NUMBERS:
        for (y, x), value in np.ndenumerate(values):
            if not math.isnan(value):
                dark = norm(shown[y, x]) < 0.55 and value > 0
                axes.text(
                    x,
                    y,
                    bare_percent(value, 0),
                    ha='center',
                    va='center_baseline',
                    fontsize=5.5,
                    color='white' if dark else 'black',
                    in_layout=False,  # measuring each would take seconds
                )
    labels = [row.label for row in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=6)
    for row, text in zip(rows, axes.get_yticklabels()):
        text.set_fontweight('bold' if row.heading else 'normal')
    axes.set_xticks(
        range(len(tickets)), list(tickets), fontsize=6.5, rotation=90, va='top', ha='center'
    )
    axes.tick_params(length=0, pad=2)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(len(tickets) + 1) - 0.5, minor=True)
    axes.grid(which='minor', axis='x', color='white', linewidth=0.8)
    axes.tick_params(which='minor', length=0)
    return image
