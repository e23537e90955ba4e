"""What the tickets of a search cost."""

import itertools
from collections.abc import Sequence
from functools import partial

from mmlth.analysis.cost import left_out_notes
from mmlth.report.cost.cost_plot import plot_costs
from mmlth.report.cost.cost_table import SEVERAL, cost_table, macs_table, write_cost_csv
from mmlth.report.cost.costs import Costs, count_costs, image_size
from mmlth.report.cost.speeds import speed_parts
from mmlth.report.page import CsvFile, Figure, Part, Section
from mmlth.report.searches import (
    RoundTicket,
    Searches,
    main_metrics,
    measured,
    missing_tickets,
    training_costs,
)


def cost_section(searches: Searches, size: tuple[int, int] | None = None) -> Section | None:
    """Bytes on disk, MACs and speed of each ticket, against sparsity and the main metric.

    Args:
        searches: The searches of the page.
        size: Height and width in pixels of the image that MACs are counted for; by default what
            the search's config resizes validated images to.

    Returns:
        The section; None where no ticket is at hand.

    Raises:
        TicketError: If a ticket cannot be read.
    """
    tickets = list(itertools.chain.from_iterable(searches.tickets))
    if not tickets:
        return None
    notes = [*training_costs(searches), *missing_tickets(searches)]
    return cost_of(tickets, size, searches.metric, notes)


def cost_of(
    tickets: Sequence[RoundTicket],
    size: tuple[int, int] | None = None,
    metric: str | None = None,
    notes: Sequence[str] = (),
) -> Section:
    """The same of any tickets of one model.

    Args:
        tickets: The tickets.
        size: Height and width in pixels of the image that MACs are counted for.
        metric: The one that counts; by default the first of the main ones.
        notes: Sentences to add.

    Raises:
        TicketError: If a ticket cannot be read.
    """
    rounds = [ticket.round for ticket in tickets]
    main = main_metrics(rounds) if metric is None else [metric]
    metrics = [m for m in main if any(measured(r, m) is not None for r in rounds)]
    metric = metrics[0] if metrics else None
    costs = count_costs(tickets, size)
    figure = Figure(
        'cost',
        _caption(costs, metric),
        f'Sizes and MACs of {len(costs.rounds)} tickets against sparsity'
        + (f', and {metric} against them.' if metric else '.'),
        lambda path: plot_costs(costs, metric, path),
    )
    text = ' '.join([*_notes(costs, size is None), *notes])
    parts: list[Part] = [text, figure, cost_table(costs, metric)]
    if costs.macs is not None:
        parts.append(macs_table(costs))
    parts.append(CsvFile('cost.csv', partial(write_cost_csv, costs, metrics)))
    parts += speed_parts(tickets)
    return Section('Cost', tuple(parts))


def _caption(costs: Costs, metric: str | None) -> str:
    macs = ' and multiply–accumulates (MACs)' if costs.macs is not None else ''
    text = f'Bytes of the tickets in several formats{macs} against sparsity'
    text += f', and {metric} against them; the labels are rounds or names.' if metric else '.'
    several = len({ticket.search for ticket in costs.tickets}) > 1
    bars = f' Bars: of {metric}.' if metric else ''
    return f'{text} {SEVERAL.capitalize()}.{bars}' if several else text


def _notes(costs: Costs, by_config: bool) -> list[str]:
    """What was counted and what not, in sentences."""
    if costs.macs is None:
        return [f'MACs are not counted: {costs.reason}.']
    height, width = costs.macs.image
    where = ''
    if by_config:
        size = image_size(costs.tickets[0].path)
        at_most = not isinstance(size, str) and size.at_most
        where = ', to which validated images are resized'
        if at_most:
            where += ' at most, since they keep their proportions'
    padded = costs.macs.size
    if padded != (height, width):
        where += f', padded to {padded[0]} × {padded[1]}'
    return [
        f'Multiply–accumulates (MACs) of convolutions and matrix products are counted for an image '
        f'of {height} × {width} pixels{where}; those of a masked weight times its density, which '
        'is what a machine could save that skips every zero.',
        *left_out_notes(costs.macs),
    ]
