"""Tickets that were trained again under their masks with noise."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mmlth.analysis.masks import Flips, flips, similarity
from mmlth.pruning import noise
from mmlth.report.searches import Branch, Round, RoundTicket, Searches, measured

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
    trained = []
    for own, branches in zip(searches.tickets, searches.branches):
        tickets = {ticket.round['round']: ticket for ticket in own}
        for branch in branches:
            options = _noise_options(branch.search.control)
            if options is None:
                continue
            for noisy in branch.tickets:
                ticket = tickets.get(noisy.round['of_round'])
                if ticket is not None:
                    trained.append(_compared(branch, ticket, noisy, options))
    return trained


def _noise_options(control: Any) -> dict[str, Any] | None:
    """The options of a control of the kind ``noise``, defaults spelled out; None of another one."""
    options = control if isinstance(control, dict) else {'type': control}
    if options['type'] != noise.__name__:
        return None
    return {name: options.get(name, _DEFAULTS[name].default) for name in ('share', 'matched')}


def _compared(
    branch: Branch, ticket: RoundTicket, noisy: RoundTicket, options: Mapping[str, Any]
) -> NoisyTicket:
    pair = similarity([ticket.profile, noisy.profile]).overlap(0, 1)
    rounds = ticket.round, noisy.round
    return NoisyTicket(branch.parent, branch.name, *rounds, **options, flips=flips(pair))


def same_noise(noisy: Iterable[NoisyTicket]) -> dict[_Key, list[NoisyTicket]]:
    """The same ticket and noise in searches that differ by seed, in order."""
    groups: dict[_Key, list[NoisyTicket]] = {}
    for each in noisy:
        key = each.ticket['round'], not each.matched, each.share
        groups.setdefault(key, []).append(each)
    return dict(sorted(groups.items()))


def noisy_values(group: Iterable[NoisyTicket], metric: str) -> list[float]:
    """The values of the tickets with noise, as far as they were measured.

    Args:
        group: The same ticket with the same noise in searches that differ by seed.
        metric: The name of the metric.
    """
    return [value for each in group if (value := measured(each.noisy, metric)) is not None]


def values_without_noise(group: Iterable[NoisyTicket], metric: str) -> list[float]:
    """The values of the same ticket itself, one a search.

    Args:
        group: A ticket with noise in searches that differ by seed.
        metric: The name of the metric.
    """
    tickets = {each.search: measured(each.ticket, metric) for each in group}
    return [value for value in tickets.values() if value is not None]
