"""How dense modules and layers are, ticket by ticket: tables and CSV."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmlth.analysis.masks import PART_KINDS, Layer, Survival, module_of, modules, survival
from mmlth.report.kit import percent, plain_table, write_csv
from mmlth.report.searches import RoundTicket

HEADER = (
    *('search', 'ticket', 'sparsity', 'layer', 'module', 'weights', 'kept', 'density'),
    'relative_density',
    *(f'{what}{kind}' for kind in PART_KINDS for what in ('zero_', '')),
)
CAPTION = """\
density: share of the weights that is kept
×: how many times that of all prunable weights together"""


def survival_of(tickets: Sequence[RoundTicket], by_module: bool = False) -> Survival:
    """The densities of tickets side by side, by layer or by module.

    Args:
        tickets: The tickets of one model.
        by_module: Whether the layers of each module are counted together.

    Raises:
        TicketError: If one cannot be read.
        ValueError: If they are of different models.
    """
    layers = [ticket.profile.layers for ticket in tickets]
    return survival([modules(each) for each in layers]) if by_module else survival(layers)


def module_survival_table(tickets: Sequence[RoundTicket]) -> Table:
    """A row a module: its density in each ticket, and in how far that is the whole's."""
    survived = survival_of(tickets, by_module=True)
    table = _table('module', tickets)
    for i, name in enumerate(survived.names):
        cells = [
            f'{percent(density)}\n×{ratio:.2f}' if ratio == ratio else percent(density)
            for density, ratio in zip(survived.parts[i], survived.relative[i])
        ]
        table.add_row(Text(name), f'{survived.weights[i]:,}', *cells)
    table.add_section()
    table.add_row('all', f'{sum(survived.weights):,}', *map(percent, survived.whole))
    table.caption, table.caption_justify = CAPTION, 'left'
    return table


def layer_survival_table(tickets: Sequence[RoundTicket]) -> Table:
    """A row a layer: its density in each ticket."""
    survived = survival_of(tickets)
    table = _table('layer', tickets)
    before = ''
    for i, name in enumerate(survived.names):
        if before and module_of(name) != before:
            table.add_section()
        before = module_of(name)
        cells = map(percent, survived.parts[i])
        table.add_row(Text(name.removesuffix('.weight')), f'{survived.weights[i]:,}', *cells)
    return table


def write_survival_csv(tickets: Sequence[RoundTicket], path: Path) -> None:
    """Writes a row a ticket and layer: see `HEADER`; shares are in [0, 1].

    Args:
        tickets: The tickets of one model.
        path: The file to write.
    """
    survived = survival_of(tickets)
    rows = {name: i for i, name in enumerate(survived.names)}
    write_csv(
        path,
        HEADER,
        (
            [
                *(ticket.search, ticket.name, ticket.round['sparsity']),
                *(layer.name, module_of(layer.name)),
                *(layer.total, layer.kept, layer.density),
                float(survived.relative[rows[layer.name], i]),
                *_zeros(layer),
            ]
            for i, ticket in enumerate(tickets)
            for layer in ticket.profile.layers
        ),
    )


def _table(first: str, tickets: Sequence[RoundTicket]) -> Table:
    table = plain_table(first)
    table.add_column('weights', justify='right', no_wrap=True)
    for ticket in tickets:
        table.add_column(Text(ticket.name), justify='right')
    return table


def _zeros(layer: Layer) -> list[int | None]:
    parts = [getattr(layer, kind) for kind in PART_KINDS]
    return [count for part in parts for count in (part or (None, None))]
