"""What the masks of searches share with each other and with chance."""

import itertools
import statistics
from collections.abc import Sequence
from functools import partial

from mmlth.analysis.masks import similarity
from mmlth.report.masks.noise_plot import plot_noise
from mmlth.report.masks.noise_table import noise_table, write_noise_csv
from mmlth.report.masks.noisy_tickets import noisy_tickets
from mmlth.report.masks.similarity_plot import plot_similarity
from mmlth.report.masks.similarity_table import hamming_table, iou_table, write_similarity_csv
from mmlth.report.masks.zeros_plot import plot_zeros
from mmlth.report.masks.zeros_table import write_zeros_csv, zeros_table
from mmlth.report.page import CsvFile, Details, Figure, Part, Section
from mmlth.report.searches import (
    RoundTicket,
    Searches,
    is_dense,
    main_metrics,
    measured,
    note_on_first,
)

_MOST = 20
"""How many masks are shown beside each other at most."""


def masks_section(searches: Searches) -> Section | None:
    """Wholly zero parts, the similarity of masks, and what noise in them does.

    Args:
        searches: The searches of the page; the zero parts that are shown are of the first.

    Returns:
        The section; None where no pruned ticket of the first is at hand.

    Raises:
        ValueError: If searches are of different models.
        TicketError: If a ticket cannot be read.
    """
    first = searches.tickets[0]
    if all(is_dense(ticket.round) for ticket in first):
        return None
    listed = list(itertools.chain.from_iterable(searches.tickets))
    zeros = _zero_parts(first, listed, note_on_first(searches))
    lines = compared_lines(searches)
    shown = evenly(lines, _MOST)
    several = len(searches) > 1
    names = [f'{t.search} {t.name}' if several else t.name for t in shown]
    similar = _similarity_parts(shown, names, [_NESTED, *_left_out(lines, shown)])
    return Section('Masks', (*zeros, *similar, *_noise_parts(searches)))


def masks_of(tickets: Sequence[RoundTicket]) -> Section:
    """Wholly zero parts and the similarity of any masks of one model.

    Args:
        tickets: The tickets of one model whose masks are shown.

    Raises:
        TicketError: If a ticket cannot be read.
        ValueError: If they are of different models.
    """
    names = [ticket.name for ticket in tickets]
    return Section('Masks', (*_zero_parts(tickets, tickets), *_similarity_parts(tickets, names)))


def compared_lines(searches: Searches) -> list[Sequence[RoundTicket]]:
    """The tickets that are compared with each other: the pruned ones, and those of branches.

    Args:
        searches: The searches of the page.

    Returns:
        Those of each search and of each branch that has some, searches first.
    """
    own = [[t for t in tickets if not is_dense(t.round)] for tickets in searches.tickets]
    others = [branch.tickets for each in searches.branches for branch in each]
    return [line for line in [*own, *others] if line]


def evenly(lines: Sequence[Sequence[RoundTicket]], most: int) -> list[RoundTicket]:
    """Chooses tickets of several lines, ``most`` of them at most.

    Each line keeps as many as the others, if it has them: its first, its last, and those evenly
    between. Where but one is left, that is the last; where not even that, the last lines go.

    Args:
        lines: Tickets in the order of their rounds.
        most: How many in all.

    Returns:
        The tickets, line by line.
    """
    lines = lines[:most]
    counts = range(most, 0, -1)
    each = next(n for n in counts if sum(min(n, len(line)) for line in lines) <= most)
    return [ticket for line in lines for ticket in _thinned(line, each)]


def _thinned(line: Sequence[RoundTicket], count: int) -> Sequence[RoundTicket]:
    if count >= len(line):
        return line
    if count == 1:
        return line[-1:]
    return [line[round(n * (len(line) - 1) / (count - 1))] for n in range(count)]


_NESTED = (
    'The masks of one search nest, so that their IoU is the ratio of their densities; it is '
    'between searches and branches that it tells how much masks agree.'
)


def _left_out(lines: Sequence[Sequence[RoundTicket]], shown: Sequence[RoundTicket]) -> list[str]:
    """Says which masks are not shown, if any are not."""
    count = sum(map(len, lines))
    if count == len(shown):
        return []
    if len(lines) > len(shown):
        where = f'the last of {len(shown)} of {len(lines)} searches and branches'
    elif len(lines) == len(shown):
        where = 'the last of each search and branch'
    else:
        where = 'evenly from the rounds of each search and branch'
    return [f'{len(shown)} of {count} masks are shown: {where}.']


def _zero_parts(
    tickets: Sequence[RoundTicket], listed: Sequence[RoundTicket], notes: Sequence[str] = ()
) -> list[Part]:
    figure = Figure(
        'zero_parts',
        'Shares of kernels, rows and columns of the weights that are wholly zero, by module. '
        'Dotted: of all modules, if each layer kept as many weights, but anywhere. Where the '
        'lines agree, the mask empties no more than chance does.',
        f'Three plots of the shares of wholly zero parts of {len(tickets)} tickets.',
        lambda path: plot_zeros(tickets, path),
    )
    text = (
        'A kernel or channel of which nothing is kept can be left out of the network. The sparser '
        'a mask, the more of them chance alone empties.'
    )
    numbers = CsvFile('zero_parts.csv', partial(write_zeros_csv, listed))
    table = Details('Wholly zero parts in numbers', zeros_table(tickets))
    return [text, *notes, figure, table, numbers]


def _similarity_parts(
    tickets: Sequence[RoundTicket], names: Sequence[str], notes: Sequence[str] = ()
) -> list[Part]:
    if len(tickets) < 2:
        return []
    similar = similarity([ticket.profile for ticket in tickets])
    figure = Figure(
        'mask_similarity',
        'Above the diagonal: intersection over union of two masks. Below: how much that is above '
        'what independent masks with as many weights in each layer have.',
        f'Heat map of the similarity of {len(names)} masks, each with each.',
        lambda path: plot_similarity(similar, names, path),
    )
    return [
        *([' '.join(notes)] if notes else []),
        figure,
        Details('Intersection over union in numbers', iou_table(similar, names)),
        Details('Hamming distance in numbers', hamming_table(similar, names)),
        CsvFile('mask_similarity.csv', partial(write_similarity_csv, similar, names)),
    ]


def _noise_parts(searches: Searches) -> list[Part]:
    noisy = noisy_tickets(searches)
    metric = searches.metric or next(iter(main_metrics(searches.first.rounds)), None)
    if not noisy or metric is None:
        return []
    dense_rounds = [search.rounds[0] for search in searches if search.rounds and search.has_dense]
    values = [measured(round_, metric) for round_ in dense_rounds]
    dense = [value for value in values if value is not None]
    mean = statistics.fmean(dense) if dense else None
    figure = Figure(
        'mask_noise',
        'Tickets trained again from the same weights, with a share of the bits of their masks '
        'flipped; at 0 the tickets themselves. Bars: standard deviation over searches.',
        f'{metric} against the share of flipped bits, a line a ticket.',
        lambda path: plot_noise(noisy, metric, mean, path),
    )
    numbers = CsvFile('mask_noise.csv', partial(write_noise_csv, noisy, metric))
    return [figure, noise_table(noisy, metric), numbers]
