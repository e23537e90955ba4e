"""The line between two networks as a table, as CSV and as a picture."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from rich.table import Table
from rich.text import Text

from mmlth.analysis.networks import Connection, WeightDistance
from mmlth.engine.evaluation import main_among, short_names
from mmlth.report.kit import (
    ABSENT,
    GREY,
    despine,
    figure_at,
    plain_table,
    style,
    write_csv,
)


def connection_table(connection: Connection) -> Table:
    """A row a point of the line, and the heights of the barriers."""
    metrics = main_among(list(connection.metrics))
    table = plain_table('t')
    for name in short_names(metrics):
        table.add_column(Text(name, overflow='fold'), justify='right')
    for index, t in enumerate(connection.points):
        values = [connection.metrics[name][index] for name in metrics]
        table.add_row(f'{t:.3g}', *(ABSENT if v is None else f'{v:.4f}' for v in values))
    table.add_section()
    table.add_row('barrier', *(_barrier(connection, name) for name in metrics))
    return table


def distance_line(distance: WeightDistance) -> str:
    """How far the two networks are from each other, in a line."""
    angle = ABSENT if distance.angle is None else f'{distance.angle:.2f}°'
    return (
        f'distance of the {distance.weights:,} weights that both keep: '
        f'L2 {distance.l2:.4g}, angle {angle}'
    )


def write_connection_csv(connection: Connection, path: Path) -> None:
    """Writes a row a point: t, then each metric as it was found.

    Args:
        connection: The metrics along the line.
        path: The file to write.
    """
    rows = [
        [t, *(values[index] for values in connection.metrics.values())]
        for index, t in enumerate(connection.points)
    ]
    write_csv(path, ['t', *connection.metrics], rows)


def write_distances_csv(distances: Sequence[WeightDistance], path: Path) -> None:
    """Writes a row a layer: layer, weights, l2, angle in degrees.

    Args:
        distances: The distance of each layer, and that of all together.
        path: The file to write.
    """
    rows = [[each.name, each.weights, each.l2, each.angle] for each in distances]
    write_csv(path, ['layer', 'weights', 'l2', 'angle'], rows)


def plot_connection(connection: Connection, names: tuple[str, str], path: Path) -> None:
    """Draws the main metrics along the line, PNG or SVG by suffix.

    A dashed line goes straight from end to end; where a metric falls below it most, the barrier is
    marked with its height.

    Args:
        connection: The metrics along the line.
        names: The names of the networks at both ends.
        path: The file to write.
    """
    metrics = main_among(list(connection.metrics))
    with figure_at(path, 8, 4.5) as figure:
        axes = figure.subplots()
        for number, (metric, name) in enumerate(zip(metrics, short_names(metrics))):
            colour, marker, *_ = style(number)
            values = [math.nan if v is None else v for v in connection.metrics[metric]]
            axes.plot(connection.points, values, color=colour, marker=marker, label=name)
            _draw_barrier(axes, connection, metric, colour)
        axes.plot([], [], color=GREY, linestyle='--', linewidth=1, label='straight line')
        axes.set_xlabel(f't: from {names[0]} (0) to {names[1]} (1)')
        axes.set_ylabel('metric value')
        despine(axes)
        figure.legend(loc='outside right upper', frameon=False)


def _draw_barrier(axes: Axes, connection: Connection, metric: str, colour: str) -> None:
    line, barrier = connection.baseline(metric), connection.barrier(metric)
    if line is None or barrier is None:
        return
    axes.plot(connection.points, line, color=colour, linestyle='--', linewidth=1, alpha=0.7)
    height, t = barrier
    index = connection.points.index(t)
    value = connection.metrics[metric][index]
    if not height or value is None:
        return
    axes.vlines(t, min(value, line[index]), max(value, line[index]), colors=colour, linewidth=1)
    axes.annotate(
        f'{height:.3f}',
        (t, (value + line[index]) / 2),
        xytext=(4, 0),
        textcoords='offset points',
        va='center',
        fontsize=8,
        color=colour,
        path_effects=[withStroke(linewidth=2.5, foreground='white')],
        zorder=4,
    )


def _barrier(connection: Connection, metric: str) -> str:
    barrier = connection.barrier(metric)
    return ABSENT if barrier is None else f'{barrier[0]:.4f} at {barrier[1]:.3g}'
