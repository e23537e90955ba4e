"""Which layers a search prunes most."""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

from mmlth.analysis.masks import Survival
from mmlth.messages import join_names
from mmlth.pruning import starved
from mmlth.report.kit import percent
from mmlth.report.masks.density_map import plot_density_map
from mmlth.report.masks.survival_table import (
    layer_survival_table,
    module_survival_table,
    survival_of,
    write_survival_csv,
)
from mmlth.report.page import CsvFile, Details, Figure, Section
from mmlth.report.searches import (
    RoundTicket,
    Searches,
    missing_tickets,
    note_on_first,
)


def layers_section(searches: Searches) -> Section | None:
    """The density of each module and layer, round by round.

    Args:
        searches: The searches of the page; what is shown is of the first.

    Returns:
        The section; None where no ticket of the first is at hand.

    Raises:
        ValueError: If searches are of different models.
        TicketError: If a ticket cannot be read.
    """
    shown = searches.tickets[0]
    if not shown:
        return None
    section = layers_of(
        shown,
        missing_tickets(searches),
        list(itertools.chain.from_iterable(searches.tickets)),
        searches.first.lottery.get('floor', 0.0),
    )
    return replace(section, parts=(*note_on_first(searches), *section.parts))


def layers_of(
    tickets: Sequence[RoundTicket],
    notes: Sequence[str] = (),
    listed: Sequence[RoundTicket] | None = None,
    floor: float = 0.0,
) -> Section:
    """The density of each module and layer, ticket by ticket.

    Args:
        tickets: The tickets of one model.
        notes: Sentences to add.
        listed: The tickets in the CSV; by default the same.
        floor: The smallest share of a layer that was kept, as ``lottery.floor``.

    Raises:
        TicketError: If a ticket cannot be read.
        ValueError: If they are of different models.
    """
    layers, modules = survival_of(tickets), survival_of(tickets, by_module=True)
    names = [f'{ticket.name}: {percent(ticket.round["sparsity"])}' for ticket in tickets]
    figure = Figure(
        'layers',
        'Density of each layer in each ticket, coloured by its logarithm; the headings are of '
        'whole modules. Below the tickets: the sparsity of all prunable weights.',
        f'Heat map of the densities of {len(layers.names)} layers in {len(tickets)} tickets.',
        lambda path: plot_density_map(layers, modules, names, path),
    )
    return Section(
        'Layers',
        (
            ' '.join([*_summary(layers, tickets[-1]), *_starved(tickets[-1], floor)]),
            *_unmoved(tickets[0]),
            *([' '.join(notes)] if notes else []),
            module_survival_table(tickets),
            figure,
            Details('Density of each layer', layer_survival_table(tickets)),
            CsvFile('layers.csv', partial(write_survival_csv, listed or tickets)),
        ),
    )


def _summary(survival: Survival, last: RoundTicket) -> list[str]:
    """Names the layers that end densest and sparsest."""
    densities = dict(zip(survival.names, survival.parts[:, -1].tolist()))
    if last.round['kept'] == last.round['prunable'] or not densities:
        return ['Nothing is pruned yet.']
    dead = [_short(name) for name, density in densities.items() if density == 0]
    order = sorted((name for name in densities if densities[name]), key=densities.__getitem__)
    sentences = [
        f'{percent(float(survival.whole[-1]))} of the prunable weights are left in {last.name}.'
    ]
    if len(order) > 1:
        most, least = order[-1], order[0]
        sentences.append(
            f'The densest of {len(densities)} layers is {_short(most)} '
            f'({percent(densities[most])}), the sparsest that keeps anything {_short(least)} '
            f'({percent(densities[least])}).'
        )
    if dead:
        sentences.append(f'Wholly pruned: {join_names(dead)}.')
    return sentences


def _starved(last: RoundTicket, floor: float) -> list[str]:
    """Names the layers of which next to nothing is left, if there are such."""
    poor = starved({layer.name: (layer.kept, layer.total) for layer in last.profile.layers}, floor)
    if not poor:
        return []
    listed = join_names(f'{_short(name)} ({density:.2%})' for name, density in poor.items())
    return [
        f'Next to nothing is left of {len(poor)} layers, which are {_share(last, poor)} of the '
        f'prunable weights: {listed}.'
    ]


def _unmoved(dense: RoundTicket) -> list[str]:
    """Names the prunable weights that round 0 did not change, if there are such."""
    names = dense.round.get('unmoved') or []
    if not names:
        return []
    return [
        f'Round 0 left {len(names)} prunable tensors as they were, as if frozen, which are '
        f'{_share(dense, names)} of the prunable weights: '
        f'{join_names(_short(name) for name in names)}; they are pruned all the same.'
    ]


def _share(ticket: RoundTicket, names: Collection[str]) -> str:
    """The share of the prunable weights that these layers hold."""
    layers = ticket.profile.layers
    ours = sum(layer.total for layer in layers if layer.name in names)
    return percent(ours / sum(layer.total for layer in layers))


def _short(name: str) -> str:
    return name.removesuffix('.weight')
