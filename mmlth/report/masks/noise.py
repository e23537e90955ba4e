"""How a metric falls as bits of a mask are flipped: table, CSV and picture."""

import inspect
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from mmlth.analysis.masks import Flips, flips, similarity
from mmlth.pruning import noise
from mmlth.report.kit import (
    GREY,
    despine,
    figure_at,
    mean_cell,
    percent,
    plain_table,
    style,
    write_csv,
)
from mmlth.report.searches import Round, Searches, measured

HEADER = (
    *('search', 'branch', 'round', 'sparsity', 'flipped_of_kept', 'flipped_of_pruned', 'flipped'),
    *('metric', 'value', 'value_of_ticket'),
)
CAPTION = """\
0.00% flipped: the ticket itself
difference: to the ticket itself, seed by seed"""
_OPTIONS = ('share', 'matched')
_DEFAULTS = inspect.signature(noise).parameters
_Key = tuple[int, bool, float]


@dataclass(frozen=True)
class NoisyTicket:
    """A ticket that was trained under its mask with noise.

    Attributes:
        search: The name of its search.
        branch: The name of the branch that trained it.
        ticket: The round that the mask is from.
        noisy: The round that trained with noise.
        share: What share of its kept weights was asked to be flipped, in [0, 1].
        matched: Whether as many pruned ones were, so that the density stays.
        flips: How much of the mask is flipped; layers of few weights round the share.
    """

    search: str
    branch: str
    ticket: Round
    noisy: Round
    share: float
    matched: bool
    flips: Flips


def noisy_tickets(searches: Searches) -> list[NoisyTicket]:
    """Finds the branches ``noise`` of searches, and compares their masks with the tickets'.

    A ticket whose file is gone is left out.

    Args:
        searches: The searches of the page.

    Raises:
        TicketError: If a ticket cannot be read.
    """
    found = []
    for own, others in zip(searches.tickets, searches.branches):
        tickets = {ticket.round['round']: ticket for ticket in own}
        for branch in others:
            control = branch.search.control
            options: dict[str, Any] = control if isinstance(control, dict) else {'type': control}
            if options['type'] != noise.__name__:
                continue
            share, matched = (options.get(name, _DEFAULTS[name].default) for name in _OPTIONS)
            for noisy in branch.tickets:
                ticket = tickets.get(noisy.round['of_round'])
                if ticket is not None:
                    pair = similarity([ticket.profile, noisy.profile]).overlap(0, 1)
                    rounds = ticket.round, noisy.round
                    found.append(
                        NoisyTicket(
                            branch.parent, branch.name, *rounds, share, matched, flips(pair)
                        )
                    )
    return found


def noise_table(found: Sequence[NoisyTicket], metric: str) -> Table:
    """A row a ticket without noise, below it one a share of noise; of seeds mean and deviation.

    Args:
        found: Of searches that differ by seed.
        metric: Which.
    """
    table = plain_table('ticket')
    for header in ('sparsity', 'flipped of kept', 'of pruned', 'of all', metric, 'difference'):
        table.add_column(Text(header), justify='right')
    for index in sorted({each.ticket['round'] for each in found}):
        own = [each for each in found if each.ticket['round'] == index]
        name, sparsity = f'round {index}', percent(own[0].ticket['sparsity'])
        table.add_row(
            name, sparsity, *[percent(0)] * 3, mean_cell(_without_noise(own, metric), '.3f'), ''
        )
        for group in _groups(own).values():
            shares = [
                statistics.fmean(getattr(each.flips, what) for each in group)
                for what in ('kept', 'pruned', 'all')
            ]
            values = mean_cell(_values(group, metric), '.3f')
            differences = mean_cell(_differences(group, metric), '+.3f')
            table.add_row(name, sparsity, *map(percent, shares), values, differences)
        table.add_section()
    table.caption, table.caption_justify = CAPTION, 'left'
    return table


def write_noise_csv(found: Sequence[NoisyTicket], metric: str, path: Path) -> None:
    """Writes a row a ticket with noise: see `HEADER`; shares are in [0, 1].

    Args:
        found: What was found.
        metric: Which.
        path: Where to write.
    """
    write_csv(
        path,
        HEADER,
        (
            [
                *(each.search, each.branch, each.ticket['round'], each.ticket['sparsity']),
                *(each.flips.kept, each.flips.pruned, each.flips.all, metric),
                *(measured(each.noisy, metric), measured(each.ticket, metric)),
            ]
            for each in found
        ),
    )


def plot_noise(found: Sequence[NoisyTicket], metric: str, dense: float | None, path: Path) -> None:
    """Draws a line a ticket from no noise to the most, PNG or SVG by suffix.

    Args:
        found: Of searches that differ by seed, whose mean and standard deviation are drawn.
        metric: Which.
        dense: The dense model's value, if it has one.
        path: Where to write.
    """
    with figure_at(path, 8, 4.5) as figure:
        axes = figure.subplots()
        lines: dict[tuple[int, bool], list[NoisyTicket]] = {}
        for each in found:
            lines.setdefault((each.ticket['round'], not each.matched), []).append(each)
        for number, ((index, unmatched), line) in enumerate(sorted(lines.items())):
            colour, marker, *_ = style(number)
            points = _line(line, metric)
            axes.errorbar(
                [100 * share for share, _ in points],
                [statistics.fmean(values) for _, values in points],
                [statistics.stdev(values) if len(values) > 1 else 0 for _, values in points],
                color=colour,
                marker=marker,
                capsize=2,
                linestyle=':' if unmatched else '-',
                label=f'round {index} ({percent(line[0].ticket["sparsity"])} sparse)'
                + (', other density' if unmatched else ''),
            )
        if dense is not None:
            axes.axhline(dense, color=GREY, linestyle='--', linewidth=1, label='dense model')
        axes.set_xlabel("kept bits of the ticket's mask that are flipped (%)")
        axes.set_ylabel(metric)
        despine(axes)
        figure.legend(loc='outside right upper', frameon=False)


def _groups(found: Iterable[NoisyTicket]) -> dict[_Key, list[NoisyTicket]]:
    """The same ticket and noise in searches that differ by seed, in order."""
    groups: dict[_Key, list[NoisyTicket]] = {}
    for each in found:
        key = each.ticket['round'], not each.matched, each.share
        groups.setdefault(key, []).append(each)
    return dict(sorted(groups.items()))


def _line(found: Sequence[NoisyTicket], metric: str) -> list[tuple[float, list[float]]]:
    """Share and values of each point: the tickets without noise, then those with more and more."""
    points = [(0.0, _without_noise(found, metric))]
    points += [
        (statistics.fmean(each.flips.kept for each in group), _values(group, metric))
        for group in _groups(found).values()
    ]
    return [(share, values) for share, values in points if values]


def _values(group: Iterable[NoisyTicket], metric: str) -> list[float]:
    return [value for each in group if (value := measured(each.noisy, metric)) is not None]


def _without_noise(group: Iterable[NoisyTicket], metric: str) -> list[float]:
    """The values of the same ticket itself, one a search."""
    tickets = {each.search: measured(each.ticket, metric) for each in group}
    return [value for value in tickets.values() if value is not None]


def _differences(group: Iterable[NoisyTicket], metric: str) -> list[float]:
    pairs = [(measured(each.noisy, metric), measured(each.ticket, metric)) for each in group]
    return [noisy - own for noisy, own in pairs if noisy is not None and own is not None]
