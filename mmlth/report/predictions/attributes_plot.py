"""On what tickets do better or worse than the dense model, as pictures."""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from mmlth.analysis.detection import Attributes, Estimate, Group, Result
from mmlth.report.kit import (
    GREY,
    Style,
    figure_at,
    model_styles,
    row_axis,
)
from mmlth.report.predictions.attributes_table import (
    GROUP_NAMES,
    ap_name,
    most_changed,
    shown_groups,
)

_WIDEST = 100  # of a change in %, to be drawn
_LINE = 0.3  # inches


def plot_attributes(attributes: Attributes, path: Path) -> None:
    """Draws the change of AP in % in each group, with its interval, as PNG or SVG.

    The dense model is the line at 0. The axis ends at ±100 %, or where values do; intervals may go
    on. A hollow mark has no interval, for all objects are in one image.

    Args:
        attributes: What was measured of models on one data set.
        path: The file to write.

    Raises:
        ValueError: If there is no model to compare with the dense one.
    """
    groups: list[Group | str] = [attributes.overall]
    for by, members in shown_groups(attributes).items():
        groups += [GROUP_NAMES[by], *members]
    label = f'change of {ap_name(attributes)} against the dense model (%)'
    _plot(attributes, groups, lambda result: result.change, label, path)


def plot_classes(attributes: Attributes, path: Path, most: int = 20) -> None:
    """Draws the difference in AP on each class, with its interval, as PNG or SVG.

    Args:
        attributes: What was measured of models on one data set.
        path: The file to write.
        most: How many classes to draw at most, as in `class_table`.

    Raises:
        ValueError: If there is no model to compare with the dense one.
    """
    label = f'difference in {ap_name(attributes)} to the dense model'
    _plot(attributes, most_changed(attributes, most), lambda result: result.difference, label, path)


def _plot(
    attributes: Attributes,
    groups: Sequence[Group | str],
    of: Callable[[Result], Estimate | None],
    label: str,
    path: Path,
) -> None:
    styles = model_styles(attributes.models)
    tickets = attributes.models[1:]
    if not tickets:
        raise ValueError('there is nothing to compare: give a ticket beside the dense model')
    # In inches: a row of points for each ticket, and lines of text between them.
    height = max(_LINE, 0.11 * (len(tickets) + 1))
    rows = [(g, _LINE) if isinstance(g, str) else (_label(g), height) for g in groups]
    with figure_at(path, 8, sum(size for _, size in rows) + 1.1) as figure:
        axes = figure.subplots()
        middles = row_axis(axes, rows)
        axes.axvline(0, color=GREY, linestyle='--', linewidth=1, label=attributes.models[0])
        values: list[float] = [_WIDEST]
        for index, ticket in enumerate(tickets):
            shift = 0.7 * height * ((index + 0.5) / len(tickets) - 0.5)
            points = [
                (middle + shift, estimate)
                for middle, group in zip(middles, groups)
                if isinstance(group, Group) and (estimate := of(group.models[ticket])) is not None
            ]
            _draw(axes, points, ticket, styles[ticket])
            values += [abs(point.value) for _, point in points if point.value is not None]
        for tick, group in zip(axes.get_yticklabels(), groups):
            if isinstance(group, str):
                tick.set_fontweight('bold')
        low, high = axes.get_xlim()
        axes.set_xlim(max(low, -1.05 * max(values)), min(high, 1.05 * max(values)))
        axes.set_xlabel(f'{label}\n95 % interval over images; hollow: all objects in one image')
        figure.legend(loc='outside upper right', ncols=4, frameon=False)


def _draw(axes: Axes, points: Sequence[tuple[float, Estimate]], name: str, style: Style) -> None:
    colour, marker, *_ = style
    axes.plot([], [], color=colour, marker=marker, markersize=5, linestyle='none', label=name)
    for height, estimate in points:
        fill = 'white'
        if estimate.low is not None and estimate.high is not None:
            axes.hlines(height, estimate.low, estimate.high, colors=colour, linewidth=1.5)
            fill = colour
        if estimate.value is not None:
            axes.plot(
                estimate.value,
                height,
                color=colour,
                marker=marker,
                markersize=5,
                markerfacecolor=fill,
            )


def _label(group: Group) -> str:
    objects = 'object' if group.objects == 1 else 'objects'
    return f'{group.name} ({group.objects:,} {objects})'
