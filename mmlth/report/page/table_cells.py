"""The cells of a terminal's table, for pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Cells:
    """A table as plain text.

    Attributes:
        header: A text a column.
        numbers: Whether each column is of numbers, which stand at the right.
        groups: Rows of texts, in groups that a line sets apart.
        caption: What stands below.
    """

    header: tuple[str, ...]
    numbers: tuple[bool, ...]
    groups: tuple[tuple[tuple[str, ...], ...], ...]
    caption: str


def cells(table: Table) -> Cells:
    """Reads a table."""
    columns = [[_plain(cell) for cell in column.cells] for column in table.columns]
    return Cells(
        tuple(_plain(column.header) for column in table.columns),
        tuple(column.justify == 'right' for column in table.columns),
        tuple(_groups(table, columns)),
        _plain(table.caption or ''),
    )


def _groups(table: Table, columns: list[list[str]]) -> Iterator[tuple[tuple[str, ...], ...]]:
    group: list[tuple[str, ...]] = []
    for row, cells_ in zip(table.rows, zip(*columns)):
        group.append(cells_)
        if row.end_section:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def _plain(cell: Any) -> str:
    return cell.plain if isinstance(cell, Text) else Text.from_markup(str(cell)).plain
