"""What tickets cost: tables and CSV."""

import functools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmlth.analysis.cost import Cost, LayerMacs, ModelMacs, cost, model_macs, sizes_in
from mmlth.engine.configs import ImageSize, validation_size
from mmlth.engine.errors import LotteryError
from mmlth.quiet import quiet
from mmlth.report.kit import ABSENT, mean_cell, percent, plain_table, short, write_csv
from mmlth.report.searches import RoundTicket, measured, same_rounds, short_names, stamp
from mmlth.ticket import TicketError, load_info, load_ticket

FILE = 'ticket file'
FORMATS = {
    'dense': 'dense checkpoint',
    'index_value': 'index + value',
    'bitmask': 'bitmask',
    'entropy': 'entropy bound',
}
CAPTION = """\
sizes: in MB (10⁶ bytes); below them and the MACs: the share of what dense weights take
index + value: an int32 and the number for each kept weight of a masked tensor
bitmask: a bit a weight and the numbers kept
entropy bound: the same with the mask at the entropy of independent bits of its density"""
SEVERAL = 'mean ± standard deviation over the searches'
MEGABYTE = 1e6


@dataclass(frozen=True)
class Costs:
    """What tickets of one model cost.

    Attributes:
        tickets: In order; of several searches, those of each after another.
        rows: What each costs.
        macs: What was counted with dense weights; None where nothing was.
        reason: Why nothing was counted.
    """

    tickets: tuple[RoundTicket, ...]
    rows: tuple[Cost, ...]
    macs: ModelMacs | None
    reason: str | None = None

    @property
    def rounds(self) -> list[list[tuple[RoundTicket, Cost]]]:
        """The tickets with what they cost, those of the same round of several searches joined."""
        return same_rounds(
            zip(self.tickets, self.rows),
            lambda pair: (pair[0].round['round'], pair[0].round['sparsity']),
        )


def costs(tickets: Sequence[RoundTicket], size: tuple[int, int] | None = None) -> Costs:
    """Finds what tickets cost; their weights are not read but for the first, to count the MACs.

    Args:
        tickets: Of one model. The MACs are counted of the first that is dense, if there is one,
            for how many regions a detector looks at depends on its weights.
        size: Height and width in pixels of the image that they are counted for; by default what
            the config in the ticket resizes validated images to.

    Raises:
        TicketError: If a ticket cannot be read.
    """
    macs, reason = None, None
    if tickets:
        path = next((t for t in tickets if is_dense(t)), tickets[0]).path
        found = _counted(path, size, *stamp(path))
        macs, reason = (None, found) if isinstance(found, str) else (found, None)
    rows = tuple(_cost(ticket, macs) for ticket in tickets)
    return Costs(tuple(tickets), rows, macs, reason)


def is_dense(ticket: RoundTicket) -> bool:
    """Whether it is of a model of which nothing is pruned."""
    return ticket.round['sparsity'] == 0


def image_size(path: Path) -> ImageSize | str:
    """To what size the config in a ticket resizes validated images, or why that is unknown."""
    config = load_info(path).get('config')
    if not isinstance(config, dict):
        return 'the ticket does not tell its config'
    return validation_size(config)


def cost_table(found: Costs, metric: str | None = None) -> Table:
    """A row a ticket: bytes in each format, MACs, and the metric; over seeds mean and deviation.

    Args:
        found: Of one search or several.
        metric: Which is shown, if any.
    """
    table = plain_table('ticket')
    for header in ('sparsity', FILE, *FORMATS.values()):
        table.add_column(header, justify='right', no_wrap=True)
    if found.macs is not None:
        table.add_column('MACs', justify='right', no_wrap=True)
    if metric is not None:
        table.add_column(Text(*short_names([metric])), justify='right')
    searches = _searches(found)
    for group in found.rounds:
        rows = [row for _, row in group]
        cells = [_size_cell(rows, name) for name in (FILE, *FORMATS)]
        if found.macs is not None:
            cells.append(_macs_cell([row.macs for row in rows]))
        if metric is not None:
            cells.append(mean_cell(measured_in(group, metric), '.3f', searches))
        table.add_row(Text(group[0][0].name), percent(rows[0].sparsity), *cells)
    several = [f'{SEVERAL}; without it: the same in all'] if searches > 1 else []
    table.caption, table.caption_justify = '\n'.join([CAPTION, *several]), 'left'
    return table


def macs_table(found: Costs) -> Table:
    """A row a module: its MACs with dense weights, and with the kept weights of each ticket."""
    table = plain_table('module')
    table.add_column('dense', justify='right', no_wrap=True)
    for group in found.rounds:
        table.add_column(Text(group[0][0].name), justify='right')
    for name, dense, works in works_by_module(found):
        table.add_row(Text(name), short(dense), *map(_macs_cell, works))
    table.add_section()
    for group in found.rounds[:1]:
        whole = group[0][1].macs
        works = [[row.macs for _, row in each] for each in found.rounds]
        table.add_row('all', '' if whole is None else short(whole.dense), *map(_macs_cell, works))
    return table


def works_by_module(found: Costs) -> Iterator[tuple[str, int, list[list[LayerMacs | None]]]]:
    """Each module's name, its MACs with dense weights, and its work in each round's tickets."""
    for i, work in enumerate((found.rows[0].works if found.rows else None) or ()):
        works = [[row.works[i] if row.works else None for _, row in g] for g in found.rounds]
        yield work.name or 'outside of layers', work.dense, works


def bytes_of(row: Cost, name: str) -> int | None:
    """The size of the ticket's file, or in one of the formats; None of one without weights."""
    if name == FILE:
        return row.file
    return None if row.sizes is None else int(getattr(row.sizes, name))


def measured_in(group: Sequence[tuple[RoundTicket, Cost]], metric: str) -> list[float]:
    """The metric of the same round in the searches that have it."""
    values = [measured(ticket.round, metric) for ticket, _ in group]
    return [value for value in values if value is not None]


def size_cell(size: int | None, whole: int | None) -> str:
    """Megabytes, and below them their share of the dense model's."""
    return _size_and_share([(size, whole)])


def macs_cell(work: LayerMacs | None) -> str:
    """MACs with the kept weights, and below them their share of the dense model's."""
    return _macs_cell([work])


def write_cost_csv(found: Costs, metrics: Sequence[str], path: Path) -> None:
    """Writes a row a ticket: sparsity, bytes by format, MACs dense and sparse by module, metrics.

    Args:
        found: Of one search or several.
        metrics: Which.
        path: Where to write.
    """
    first = found.rows[0].works if found.rows else None
    modules = [work.name or 'outside' for work in first or ()]
    names = [f'{kind}_macs{m and f"_{m}"}' for m in ('', *modules) for kind in ('dense', 'sparse')]
    rows = []
    for ticket, row in zip(found.tickets, found.rows):
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


def _cost(ticket: RoundTicket, macs: ModelMacs | None) -> Cost:
    layers = ticket.profile.layers
    kept = {layer.name: layer.kept for layer in layers}
    file = ticket.path.stat().st_size
    return cost(layers, file, sizes_in(ticket.path, kept), None if macs is None else macs.macs)


@functools.lru_cache(8)
def _counted(
    path: Path, size: tuple[int, int] | None, written: int, length: int
) -> ModelMacs | str:
    """The MACs of a ticket's model, or why they cannot be counted; costs no random number."""
    if size is None:
        found = image_size(path)
        if isinstance(found, str):
            return found
        size = found.height, found.width
    try:
        with quiet():
            return model_macs(load_ticket(path), *size)
    except (LotteryError, TicketError) as error:
        return str(error)


def _searches(found: Costs) -> int:
    return len({ticket.search for ticket in found.tickets})


def _size_cell(rows: Sequence[Cost], name: str) -> str:
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
    return f'{_without_zero(short(*(work.sparse for work in counted)))}\n{share}'


def _without_zero(cell: str) -> str:
    """Leaves out a deviation that rounds to nothing: most sizes are those of the dense model."""
    return cell.replace(' ± 0.00', '')
