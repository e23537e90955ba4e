"""Kernels and channels that are wholly zero, round by round: table, CSV and picture."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from rich.table import Table
from rich.text import Text

from mmlth.analysis.masks import KINDS, Kind, Layer, ZeroParts, by_module, zero_parts
from mmlth.report.kit import (
    ABSENT,
    GREY,
    Style,
    despine,
    figure_at,
    percent,
    plain_table,
    style,
    write_csv,
)
from mmlth.report.searches import RoundTicket

ALL = 'all'
HEADER = ('search', 'ticket', 'sparsity', 'module', 'kind', 'zero', 'of', 'chance')
CAPTION = """\
parts of the weights that are wholly zero
by chance: if each layer kept as many weights, but anywhere"""

_TITLES: dict[Kind, str] = {
    'kernels': 'k × k kernels, k > 1',
    'outputs': 'rows (output channels)',
    'inputs': 'columns (input channels)',
}


def zeros_table(tickets: Sequence[RoundTicket]) -> Table:
    """A row a ticket: its kernels, rows and columns that keep nothing, and what chance empties."""
    table = plain_table('ticket')
    table.add_column('sparsity', justify='right', no_wrap=True)
    for kind in KINDS:
        table.add_column(_TITLES[kind], justify='right')
        table.add_column('by chance', justify='right')
    for ticket in tickets:
        cells = [cell for kind in KINDS for cell in _cells(zero_parts(_layers(ticket), kind))]
        table.add_row(Text(ticket.name), percent(ticket.round['sparsity']), *cells)
    table.caption, table.caption_justify = CAPTION, 'left'
    return table


def write_zeros_csv(tickets: Sequence[RoundTicket], path: Path) -> None:
    """Writes a row a ticket, module and kind of part: see `HEADER`.

    Args:
        tickets: Of one model.
        path: Where to write.
    """
    rows = []
    for ticket in tickets:
        groups = {ALL: _layers(ticket), **by_module(_layers(ticket))}
        for (module, layers), kind in itertools.product(groups.items(), KINDS):
            parts = zero_parts(layers, kind)
            if parts is not None:
                numbers = [parts.zero, parts.of, parts.chance]
                place = ticket.search, ticket.name, ticket.round['sparsity']
                rows.append([*place, module, kind, *numbers])
    write_csv(path, HEADER, rows)


def plot_zeros(tickets: Sequence[RoundTicket], path: Path) -> None:
    """Draws the shares that are wholly zero, a panel a kind and a line a module, PNG or SVG.

    A dotted line is what chance would empty in all modules together.

    Args:
        tickets: Of one model, in the order of their sparsity.
        path: Where to write.
    """
    modules = list(by_module(_layers(tickets[0])))
    styles = {module: style(number) for number, module in enumerate(modules)}
    with figure_at(path, 9, 3.8) as figure:
        panels = figure.subplots(1, len(KINDS), sharey=True)
        for axes, kind in zip(panels, KINDS):
            _draw(axes, tickets, kind, styles)
            axes.set_title(_TITLES[kind], fontsize=9)
        panels[0].set_ylabel('wholly zero (%)', fontsize=9)
        of_rounds = all(ticket.name.startswith(_ROUND) for ticket in tickets)
        figure.supxlabel('round' if of_rounds else 'ticket', fontsize=9)
        handles, labels = panels[-1].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc='outside upper center', ncols=6, frameon=False, fontsize=8
        )


def _draw(
    axes: Axes,
    tickets: Sequence[RoundTicket],
    kind: Kind,
    styles: Mapping[str, Style],
) -> None:
    rounds = [ticket.round['round'] for ticket in tickets]
    for module, (colour, marker, *_) in styles.items():
        shares = [_share(by_module(_layers(ticket)).get(module, []), kind) for ticket in tickets]
        axes.plot(rounds, shares, color=colour, marker=marker, markersize=4, label=module)
    parts = [zero_parts(_layers(ticket), kind) for ticket in tickets]
    shares = [_NAN if part is None else 100 * part.share for part in parts]
    axes.plot(rounds, shares, color=GREY, alpha=0.6, linewidth=3, label=ALL)
    chance = [_NAN if part is None else 100 * part.chance_share for part in parts]
    axes.plot(rounds, chance, color='black', linestyle=':', label=f'{ALL}, by chance')
    labels = [ticket.name.removeprefix(_ROUND) for ticket in tickets]
    axes.set_xticks(rounds, labels, rotation=90 if max(map(len, labels)) > 2 else 0)
    axes.tick_params(labelsize=8 if len(labels) < 16 else 6)
    despine(axes)


_NAN = float('nan')
_ROUND = 'round '


def _share(layers: Sequence[Layer], kind: Kind) -> float:
    parts = zero_parts(layers, kind)
    return _NAN if parts is None else 100 * parts.share


def _layers(ticket: RoundTicket) -> tuple[Layer, ...]:
    return ticket.profile.layers


def _cells(parts: ZeroParts | None) -> tuple[str, str]:
    if parts is None:
        return ABSENT, ABSENT
    return f'{parts.zero:,} / {parts.of:,}', f'{parts.chance:,.0f}'
