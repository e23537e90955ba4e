"""What tickets cost: tables and CSV."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmlth.analysis.cost import TicketCost
from mmlth.engine.evaluation import short_names
from mmlth.pruning import LayerMacs
from mmlth.report.cost.costs import FILE, Costs, bytes_of, measured_in, works_by_module
from mmlth.report.kit import (
    ABSENT,
    FORMAT_LEGEND,
    FORMATS,
    mean_cell,
    percent,
    plain_table,
    short_count,
    write_csv,
)
from mmlth.report.searches import measured

CAPTION = f"""\
sizes: in MB (10⁶ bytes); below them and the MACs: the share of what dense weights take
{FORMAT_LEGEND}"""
SEVERAL = 'mean ± standard deviation over the searches'
MEGABYTE = 1e6


def cost_table(costs: Costs, metric: str | None = None) -> Table:
    """A row a ticket: bytes in each format, MACs, and the metric; over seeds mean and deviation.

    Args:
        costs: What the tickets of one search or several cost.
        metric: The metric to show, if any.
    """
    table = plain_table('ticket')
    for header in ('sparsity', FILE, *FORMATS.values()):
        table.add_column(header, justify='right', no_wrap=True)
    if costs.macs is not None:
        table.add_column('MACs', justify='right', no_wrap=True)
    if metric is not None:
        table.add_column(Text(*short_names([metric])), justify='right')
    searches = _searches(costs)
    for group in costs.rounds:
        rows = [row for _, row in group]
        cells = [_size_cell(rows, name) for name in (FILE, *FORMATS)]
        if costs.macs is not None:
            cells.append(_macs_cell([row.macs for row in rows]))
        if metric is not None:
            cells.append(mean_cell(measured_in(group, metric), '.3f', searches))
        table.add_row(
            Text(group[0][0].name), percent(statistics.fmean(row.sparsity for row in rows)), *cells
        )
    several = [f'{SEVERAL}; without it: the same in all'] if searches > 1 else []
    table.caption, table.caption_justify = '\n'.join([CAPTION, *several]), 'left'
    return table


def macs_table(costs: Costs) -> Table:
    """A row a module: its MACs with dense weights, and with the kept weights of each ticket."""
    table = plain_table('module')
    table.add_column('dense', justify='right', no_wrap=True)
    for group in costs.rounds:
        table.add_column(Text(group[0][0].name), justify='right')
    for name, dense, works in works_by_module(costs):
        table.add_row(Text(name), short_count(dense), *map(_macs_cell, works))
    table.add_section()
    for group in costs.rounds[:1]:
        whole = group[0][1].macs
        works = [[row.macs for _, row in each] for each in costs.rounds]
        total = '' if whole is None else short_count(whole.dense)
        table.add_row('all', total, *map(_macs_cell, works))
    return table


def size_cell(size: int | None, whole: int | None) -> str:
    """Megabytes, and below them their share of the dense model's.

    Args:
        size: The bytes; None where they are unknown.
        whole: The bytes of the dense model; None where they are unknown.
    """
    return _size_and_share([(size, whole)])


def macs_cell(work: LayerMacs | None) -> str:
    """MACs with the kept weights, and below them their share of the dense model's."""
    return _macs_cell([work])


def write_cost_csv(costs: Costs, metrics: Sequence[str], path: Path) -> None:
    """Writes a row a ticket: sparsity, bytes by format, MACs dense and sparse by module, metrics.

    Args:
        costs: What the tickets of one search or several cost.
        metrics: The metrics to write.
        path: The file to write.
    """
    first = costs.rows[0].works if costs.rows else None
    modules = [work.name or 'outside' for work in first or ()]
    names = [f'{kind}_macs{m and f"_{m}"}' for m in ('', *modules) for kind in ('dense', 'sparse')]
    rows = []
    for ticket, row in zip(costs.tickets, costs.rows):
        sizes = [bytes_of(row, name) for name in (FILE, *FORMATS)]
        works = [] if row.works is None or row.macs is None else [row.macs, *row.works]
        numbers = [number for work in works for number in (work.dense, work.sparse)]
        values = [measured(ticket.round, metric) for metric in metrics]
        shares = row.sparsity, ticket.round['network_sparsity']
        place = ticket.search, ticket.name, ticket.round['round']
        rows.append([*place, *shares, *sizes, *numbers, *values])
    counted = names if first is not None else []
    header = ['search', 'ticket', 'round', 'sparsity', 'network_sparsity', 'ticket_file', *FORMATS]
    write_csv(path, [*header, *counted, *metrics], rows)


def _searches(costs: Costs) -> int:
    return len({ticket.search for ticket in costs.tickets})


def _size_cell(rows: Sequence[TicketCost], name: str) -> str:
    wholes = [None if row.sizes is None else row.sizes.dense for row in rows]
    return _size_and_share([(bytes_of(row, name), whole) for row, whole in zip(rows, wholes)])


def _size_and_share(pairs: Sequence[tuple[int | None, int | None]]) -> str:
    """Means of the sizes, and of what share they are of the dense model's."""
    sizes = [size / MEGABYTE for size, _ in pairs if size is not None]
    shares = [size / whole for size, whole in pairs if size is not None and whole]
    share = f'\n{percent(statistics.fmean(shares))}' if shares else ''
    return f'{_without_zero(mean_cell(sizes, ".2f"))}{share}'


def _macs_cell(works: Sequence[LayerMacs | None]) -> str:
    counted = [work for work in works if work is not None]
    if not counted:
        return ABSENT
    shares = [work.sparse / work.dense for work in counted if work.dense]
    share = percent(statistics.fmean(shares) if shares else None)
    return f'{_without_zero(short_count(*(work.sparse for work in counted)))}\n{share}'


def _without_zero(cell: str) -> str:
    """Leaves out a deviation that rounds to nothing: most sizes are those of the dense model."""
    return cell.replace(' ± 0.00', '')
