"""On what tickets do better or worse than the dense model: tables, CSV and pictures."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from rich.table import Table
from rich.text import Text

from mmlth.analysis.detection import Attributes, Estimate, Group, Result, changed_most
from mmlth.report.kit import (
    ABSENT,
    GREY,
    Style,
    figure_at,
    model_styles,
    plain_table,
    row_axis,
    signed,
    write_csv,
)
from mmlth.report.predictions.each_kind import SINGULAR

CERTAIN = '*'
LEGEND = (
    'change: of the AP against the dense model; below each number its 95 % interval over images; '
    f'{CERTAIN}: the interval leaves out 0'
)
HEADER = (
    *('kind', 'by', 'group', 'classes', 'objects', 'images', 'training', 'model'),
    *('ap', 'ap_low', 'ap_high'),
    *('difference', 'difference_low', 'difference_high'),
    *('change', 'change_low', 'change_high'),
)

_SECTIONS = {
    'size': 'size in pixels',
    'frequency': 'training frequency',
    'lvis': 'LVIS frequency',
    'difficulty': 'difficulty',
}
_WIDEST = 100  # of a change in %, to be drawn
_LINE = 0.3  # inches


def attributes_table(found: Attributes) -> Table:
    """A row a group of classes or sizes, below each other by what makes the groups.

    Args:
        found: Of models on one data set.
    """
    table = _table(_ap(found), found)
    _add(table, found.overall)
    for by, groups in _sections(found).items():
        table.add_section()
        table.add_row(Text(_SECTIONS[by], 'dim'))
        for group in groups:
            _add(table, group)
    return table


def class_table(found: Attributes, most: int = 20) -> Table:
    """A row a class, from the one that the first ticket loses most on.

    Args:
        found: Of models on one data set.
        most: Of more classes, those are shown that lose most and that gain most, half of each.
    """
    table = _table(f'class: {_ap(found)}', found, training=True)
    for group in _extremes(found, most):
        _add(table, group, training=True)
    return table


def attribute_rows(found: Attributes) -> list[list[object]]:
    """A row each group and model: see `HEADER`.

    AP and differences are in [0, 1], changes in %; None where there is no value.

    Args:
        found: Of models on one data set.
    """
    groups = {'all': (found.overall,), **_sections(found), 'class': found.classes}
    return [
        [found.kind, by, *_facts(group), model, *_numbers(result)]
        for by, members in groups.items()
        for group in members
        for model, result in group.models.items()
    ]


def write_attributes_csv(found: Iterable[Attributes], path: Path) -> None:
    """Writes the `attribute_rows` of all kinds of prediction.

    Args:
        found: One a kind.
        path: Where to write.
    """
    write_csv(path, HEADER, [row for each in found for row in attribute_rows(each)])


def plot_attributes(found: Attributes, path: Path) -> None:
    """Draws the change of AP in % in each group, with its interval, as PNG or SVG.

    The dense model is the line at 0. The axis ends at ±100 %, or where values do; intervals may go
    on. A hollow mark has no interval, for all objects are in one image.

    Args:
        found: Of models on one data set.
        path: Where to write.

    Raises:
        ValueError: If there is no model to compare with the dense one.
    """
    groups: list[Group | str] = [found.overall]
    for by, members in _sections(found).items():
        groups += [_SECTIONS[by], *members]
    label = f'change of {_ap(found)} against the dense model (%)'
    _plot(found, groups, lambda result: result.change, label, path)


def plot_classes(found: Attributes, path: Path, most: int = 20) -> None:
    """Draws the difference in AP on each class, with its interval, as PNG or SVG.

    Args:
        found: Of models on one data set.
        path: Where to write.
        most: As for `class_table`.

    Raises:
        ValueError: If there is no model to compare with the dense one.
    """
    label = f'difference in {_ap(found)} to the dense model'
    _plot(found, _extremes(found, most), lambda result: result.difference, label, path)


def _ap(found: Attributes) -> str:
    return f'{SINGULAR[found.kind]} AP'


def _sections(found: Attributes) -> dict[str, tuple[Group, ...]]:
    parts = (found.sizes, found.frequency, found.lvis, found.difficulty)
    shown = {
        by: tuple(group for group in groups if group.objects)
        for by, groups in zip(_SECTIONS, parts)
    }
    return {by: groups for by, groups in shown.items() if groups}


def _extremes(found: Attributes, most: int) -> list[Group]:
    if len(found.models) < 2:
        return list(found.classes[:most])
    every = len(found.classes)
    gains, losses = changed_most(found.classes, found.models[1], every)
    changed = {id(group) for group in (*gains, *losses)}
    ordered = [*losses, *(g for g in found.classes if id(g) not in changed), *reversed(gains)]
    if every <= most:
        return ordered
    return ordered[: most - most // 2] + ordered[every - most // 2 :]


def _table(first: str, found: Attributes, *, training: bool = False) -> Table:
    table = plain_table(first)
    for header in ('objects', *(['training'] if training else [])):
        table.add_column(header, justify='right', no_wrap=True)
    for index, model in enumerate(found.models):
        table.add_column(Text(model, overflow='fold'), justify='right', no_wrap=True)
        if index:
            table.add_column('change (%)', justify='right', no_wrap=True)
    table.caption, table.caption_justify = LEGEND, 'left'
    return table


def _add(table: Table, group: Group, *, training: bool = False) -> None:
    counts = [group.objects, *([group.training] if training else [])]
    cells = [ABSENT if count is None else f'{count:,}' for count in counts]
    texts: list[Text] = []
    for result in group.models.values():
        texts.append(_text(result.ap, '{:.3f}'.format, '–'))
        if result.change is not None:
            texts.append(_text(result.change, partial(signed, decimals=1), ' to ', CERTAIN))
    # As Text, for a name is no markup.
    table.add_row(Text(group.name), *cells, *texts)


def _text(estimate: Estimate, write: Callable[[float], str], to: str, mark: str = '') -> Text:
    if estimate.value is None:
        return Text(ABSENT)
    cell = Text(write(estimate.value) + (mark if estimate.certain else ''))
    if estimate.low is not None and estimate.high is not None:
        cell.append(f'\n{write(estimate.low)}{to}{write(estimate.high)}', style='dim')
    return cell


def _facts(group: Group) -> tuple[object, ...]:
    return group.name, len(group.classes), group.objects, group.images, group.training


def _numbers(result: Result) -> Iterator[float | None]:
    for each in (result.ap, result.difference, result.change):
        estimate = each or Estimate(None)
        yield from (estimate.value, estimate.low, estimate.high)


def _plot(
    found: Attributes,
    groups: Sequence[Group | str],
    of: Callable[[Result], Estimate | None],
    label: str,
    path: Path,
) -> None:
    styles = model_styles(found.models)
    tickets = found.models[1:]
    if not tickets:
        raise ValueError('there is nothing to compare: give a ticket beside the dense model')
    # In inches: a row of points for each ticket, and lines of text between them.
    height = max(_LINE, 0.11 * (len(tickets) + 1))
    rows = [(g, _LINE) if isinstance(g, str) else (_label(g), height) for g in groups]
    with figure_at(path, 8, sum(size for _, size in rows) + 1.1) as figure:
        axes = figure.subplots()
        middles = row_axis(axes, rows)
        axes.axvline(0, color=GREY, linestyle='--', linewidth=1, label=found.models[0])
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
