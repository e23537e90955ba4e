"""On what tickets do better or worse than the dense model: tables and CSV."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmlth.analysis.detection import Attributes, Estimate, Group, Result, changed_most
from mmlth.report.kit import ABSENT, plain_table, signed, write_csv
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
GROUP_NAMES = {
    'size': 'size in pixels',
    'frequency': 'training frequency',
    'lvis': 'LVIS frequency',
    'difficulty': 'difficulty',
}


def attributes_table(attributes: Attributes) -> Table:
    """A row a group of classes or sizes, below each other by what makes the groups.

    Args:
        attributes: What was measured of models on one data set.
    """
    table = _table(ap_name(attributes), attributes)
    _add(table, attributes.overall)
    for by, groups in shown_groups(attributes).items():
        table.add_section()
        table.add_row(Text(GROUP_NAMES[by], 'dim'))
        for group in groups:
            _add(table, group)
    return table


def class_table(attributes: Attributes, most: int = 20) -> Table:
    """A row a class, from the one that the first ticket loses most on.

    Args:
        attributes: What was measured of models on one data set.
        most: The most classes that are shown; of more, half are those that lose most, half those
            that gain most.
    """
    table = _table(f'class: {ap_name(attributes)}', attributes, training=True)
    for group in most_changed(attributes, most):
        _add(table, group, training=True)
    return table


def attribute_rows(attributes: Attributes) -> list[list[object]]:
    """A row each group and model: see `HEADER`.

    AP and differences are in [0, 1], changes in %; None where there is no value.

    Args:
        attributes: What was measured of models on one data set.
    """
    groups = {'all': (attributes.overall,), **shown_groups(attributes), 'class': attributes.classes}
    return [
        [attributes.kind, by, *_facts(group), model, *_numbers(result)]
        for by, members in groups.items()
        for group in members
        for model, result in group.models.items()
    ]


def write_attributes_csv(analysed: Iterable[Attributes], path: Path) -> None:
    """Writes the `attribute_rows` of all kinds of prediction.

    Args:
        analysed: What was measured, one a kind of prediction.
        path: The file to write.
    """
    write_csv(path, HEADER, [row for each in analysed for row in attribute_rows(each)])


def ap_name(attributes: Attributes) -> str:
    """What is measured: box AP, mask AP or keypoint AP."""
    return f'{SINGULAR[attributes.kind]} AP'


def shown_groups(attributes: Attributes) -> dict[str, tuple[Group, ...]]:
    """The groups that hold objects, by a key of `GROUP_NAMES`."""
    parts = (attributes.sizes, attributes.frequency, attributes.lvis, attributes.difficulty)
    shown = {
        by: tuple(group for group in groups if group.objects)
        for by, groups in zip(GROUP_NAMES, parts)
    }
    return {by: groups for by, groups in shown.items() if groups}


def most_changed(attributes: Attributes, most: int) -> list[Group]:
    """The classes from the largest loss of the first ticket to its largest gain.

    Args:
        attributes: What was measured of models on one data set.
        most: The most classes that are given; of more, half are those that lose most, half those
            that gain most.
    """
    if len(attributes.models) < 2:
        return list(attributes.classes[:most])
    every = len(attributes.classes)
    gains, losses = changed_most(attributes.classes, attributes.models[1], every)
    changed = {id(group) for group in (*gains, *losses)}
    ordered = [*losses, *(g for g in attributes.classes if id(g) not in changed), *reversed(gains)]
    if every <= most:
        return ordered
    return ordered[: most - most // 2] + ordered[every - most // 2 :]


def _table(first: str, attributes: Attributes, *, training: bool = False) -> Table:
    table = plain_table(first)
    for header in ('objects', *(['training'] if training else [])):
        table.add_column(header, justify='right', no_wrap=True)
    for index, model in enumerate(attributes.models):
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
