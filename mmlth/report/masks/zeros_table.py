"""Kernels and channels that are wholly zero, round by round: table and CSV."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmlth.analysis.masks import PART_KINDS, Kind, ZeroParts, by_module, zero_parts
from mmlth.report.kit import ABSENT, percent, plain_table, write_csv
from mmlth.report.searches import RoundTicket

ALL = 'all'
HEADER = ('search', 'ticket', 'sparsity', 'module', 'kind', 'zero', 'of', 'chance')
CAPTION = """\
parts of the weights that are wholly zero
by chance: if each layer kept as many weights, but anywhere"""
KIND_TITLES: dict[Kind, str] = {
    'kernels': 'k × k kernels, k > 1',
    'outputs': 'rows (output channels)',
    'inputs': 'columns (input channels)',
}


def zeros_table(tickets: Sequence[RoundTicket]) -> Table:
    """A row a ticket: its kernels, rows and columns that keep nothing, and what chance empties."""
    table = plain_table('ticket')
    table.add_column('sparsity', justify='right', no_wrap=True)
    for kind in PART_KINDS:
        table.add_column(KIND_TITLES[kind], justify='right')
        table.add_column('by chance', justify='right')
    for ticket in tickets:
        cells = [
            cell for kind in PART_KINDS for cell in _cells(zero_parts(ticket.profile.layers, kind))
        ]
        table.add_row(Text(ticket.name), percent(ticket.round['sparsity']), *cells)
    table.caption, table.caption_justify = CAPTION, 'left'
    return table


def write_zeros_csv(tickets: Sequence[RoundTicket], path: Path) -> None:
    """Writes a row a ticket, module and kind of part: see `HEADER`.

    Args:
        tickets: The tickets of one model.
        path: The file to write.
    """
    rows = []
    for ticket in tickets:
        groups = {ALL: ticket.profile.layers, **by_module(ticket.profile.layers)}
        for (module, layers), kind in itertools.product(groups.items(), PART_KINDS):
            parts = zero_parts(layers, kind)
            if parts is not None:
                numbers = [parts.zero, parts.of, parts.chance]
                place = ticket.search, ticket.name, ticket.round['sparsity']
                rows.append([*place, module, kind, *numbers])
    write_csv(path, HEADER, rows)


def _cells(parts: ZeroParts | None) -> tuple[str, str]:
    if parts is None:
        return ABSENT, ABSENT
    return f'{parts.zero:,} / {parts.of:,}', f'{parts.chance:,.0f}'
