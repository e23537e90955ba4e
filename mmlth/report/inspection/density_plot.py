"""The densities of a ticket's layers as a picture."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from mmlth.analysis.masks import module_of
from mmlth.report.kit import bare_percent, despine, figure_at, style

_MOST_ROWS = 60
_ROW = 0.15
"""Height of a layer in inches."""


def plot_densities(
    densities: Mapping[str, Sequence[float]], tickets: Sequence[tuple[str, float]], path: Path
) -> None:
    """Draws the share of each layer's weights that is kept, as PNG or SVG by the path's suffix.

    A bar a layer from the first at the top, coloured by module; more than 60 layers stand in
    several columns. Of two tickets, the second is a bar within the first's.

    Args:
        densities: The density in one ticket or in two, in [0, 1], by parameter name.
        tickets: The name of each ticket and the density of all its masked weights: a line.
        path: The file to write.
    """
    names = list(densities)
    columns = max(1, math.ceil(len(names) / _MOST_ROWS))
    rows = max(1, math.ceil(len(names) / columns))
    with figure_at(path, 5.5 * columns, max(3, _ROW * rows + 1.2)) as figure:
        styles = _styles(names)
        most = max((value for values in densities.values() for value in values), default=1.0)
        for column, axes in enumerate(figure.subplots(1, columns, squeeze=False)[0]):
            part = names[column * rows : (column + 1) * rows]
            _draw(axes, {name: densities[name] for name in part}, styles, tickets)
            axes.set_ylim(rows - 0.4, -0.6)
            axes.set_xlim(0, 100 * most * 1.12 or 1)
            _strip(axes, part, styles)
        modules = {name: Patch(**style) for name, style in styles.items()}
        entries = _tickets(tickets)
        look: dict[str, Any] = {'frameon': False, 'fontsize': 8}
        look['loc'], look['ncols'] = 'outside upper center', 4 * columns
        figure.legend(list(modules.values()), list(modules), **look)
        look['loc'], look['ncols'] = 'outside lower center', columns
        figure.legend(list(entries.values()), list(entries), **look)


def _styles(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour and hatch of each module."""
    modules = dict.fromkeys(module_of(name) for name in names)
    looks = {module: style(number) for number, module in enumerate(modules)}
    return {
        module: {
            'facecolor': look.colour,
            'hatch': look.hatch,  # tells more modules apart than there are colours
            'edgecolor': 'white',
            'linewidth': 0,
        }
        for module, look in looks.items()
    }


def _draw(
    axes: Axes,
    densities: Mapping[str, Sequence[float]],
    styles: Mapping[str, dict[str, Any]],
    tickets: Sequence[tuple[str, float]],
) -> None:
    for row, (name, values) in enumerate(densities.items()):
        look = styles[module_of(name)]
        for ticket, value in enumerate(values):
            axes.barh(row, 100 * value, **_bar(ticket, len(values)), **look)
        axes.annotate(
            ' → '.join(bare_percent(value, 1) for value in values),
            (100 * max(values), row),
            xytext=(2, 0),
            textcoords='offset points',
            va='center',
            fontsize=5.5,
            color='#444444',
            path_effects=[withStroke(linewidth=1.5, foreground='white')],
            zorder=4,
        )
    for ticket, (_, value) in enumerate(tickets):
        axes.axvline(100 * value, **_line(ticket, len(tickets)))
    labels = [name.removesuffix('.weight') for name in densities]
    axes.set_yticks(range(len(labels)), labels, fontsize=6)
    axes.tick_params(axis='y', length=0, pad=2)
    axes.tick_params(axis='x', labelsize=7)
    despine(axes, grid='x')
    axes.set_xlabel('density: weights kept (%)', fontsize=8)


def _strip(axes: Axes, names: Sequence[str], styles: Mapping[str, dict[str, Any]]) -> None:
    """Colours along the axis, which show the module where a bar is too short to."""
    _, right = axes.get_xlim()
    width = 0.01 * right
    for row, name in enumerate(names):
        axes.barh(row, width, left=-2 * width, height=1, **styles[module_of(name)])
    axes.set_xlim(-2 * width, right)
    axes.spines['left'].set_visible(False)
    axes.axvline(0, color='#999999', linewidth=0.8)


def _bar(ticket: int, tickets: int) -> dict[str, Any]:
    """How a bar looks: of two tickets, the first's is broad and pale, the second's slim."""
    if tickets > 1 and ticket == 0:
        return {'height': 0.84, 'alpha': 0.35}
    return {'height': 0.42 if tickets > 1 else 0.76}


def _line(ticket: int, tickets: int) -> dict[str, Any]:
    dashed = '--' if ticket == tickets - 1 else ':'
    return {'color': '#555555', 'linestyle': dashed, 'linewidth': 1, 'zorder': 3}


def _tickets(tickets: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """The legend's entries: what a ticket's bars and line look like, by its name."""
    entries: dict[str, Any] = {}
    for ticket, (name, value) in enumerate(tickets):
        bars = '' if len(tickets) == 1 else f' ({("broad", "slim")[ticket]} bars)'
        look = _bar(ticket, len(tickets))
        entries[f'{name}{bars}; line: all masked weights, {bare_percent(value, 1)} %'] = (
            Patch(facecolor='#999999', alpha=look.get('alpha')),
            Line2D([], [], **_line(ticket, len(tickets))),
        )
    return entries
