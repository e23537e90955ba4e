"""What the tickets of a model cost."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmlth.analysis.cost import ModelMacs, TicketCost, model_macs, sizes_in, ticket_cost
from mmlth.engine.configs import ImageSize, validation_size
from mmlth.engine.errors import LotteryError
from mmlth.pruning import LayerMacs
from mmlth.quiet import quiet
from mmlth.report.searches import RoundTicket, agreed_sparsity, measured, same_rounds, stamp
from mmlth.ticket import TicketError, load_info, load_ticket

FILE = 'ticket file'


@dataclass(frozen=True)
class Costs:
    """What tickets of one model cost.

    Attributes:
        tickets: The tickets in order; of several searches, those of each after another.
        rows: What each ticket costs.
        macs: What was counted with dense weights; None where nothing was.
        reason: Why nothing was counted.
    """

    tickets: tuple[RoundTicket, ...]
    rows: tuple[TicketCost, ...]
    macs: ModelMacs | None
    reason: str | None = None

    @property
    def rounds(self) -> list[list[tuple[RoundTicket, TicketCost]]]:
        """The tickets with what they cost, those of the same round of several searches joined."""
        return same_rounds(
            zip(self.tickets, self.rows),
            lambda pair: (pair[0].round['round'], agreed_sparsity(pair[0].round)),
        )


def count_costs(tickets: Sequence[RoundTicket], size: tuple[int, int] | None = None) -> Costs:
    """Counts what tickets cost; their weights are not read but for the first, to count the MACs.

    Args:
        tickets: The tickets of one model. The MACs are those of the first that is dense, if any,
            for how many regions a detector looks at depends on its weights.
        size: Height and width in pixels of the image that they are counted for; by default what
            the config in the ticket resizes validated images to.

    Raises:
        TicketError: If a ticket cannot be read.
    """
    macs, reason = None, None
    if tickets:
        path = next((t for t in tickets if is_dense(t)), tickets[0]).path
        counted = _counted(path, size, *stamp(path))
        macs, reason = (None, counted) if isinstance(counted, str) else (counted, None)
    rows = tuple(_cost(ticket, macs) for ticket in tickets)
    return Costs(tuple(tickets), rows, macs, reason)


def is_dense(ticket: RoundTicket) -> bool:
    """Whether nothing is pruned."""
    return ticket.round['sparsity'] == 0


def image_size(path: Path) -> ImageSize | str:
    """The size that the config in a ticket resizes validated images to, or why it is unknown."""
    config = load_info(path).get('config')
    if not isinstance(config, dict):
        return 'the ticket does not tell its config'
    return validation_size(config)


def works_by_module(costs: Costs) -> Iterator[tuple[str, int, list[list[LayerMacs | None]]]]:
    """Each module's name, its MACs with dense weights, and its work in each round's tickets."""
    for i, work in enumerate((costs.rows[0].works if costs.rows else None) or ()):
        works = [[row.works[i] if row.works else None for _, row in g] for g in costs.rounds]
        yield work.name or 'outside of layers', work.dense, works


def bytes_of(row: TicketCost, name: str) -> int | None:
    """The size of a ticket's file, or its size in one of the formats.

    Args:
        row: What the ticket costs.
        name: `FILE`, or a key of `FORMATS`.

    Returns:
        The size in bytes; None of a ticket without weights.
    """
    if name == FILE:
        return row.file
    return None if row.sizes is None else int(getattr(row.sizes, name))


def measured_in(group: Sequence[tuple[RoundTicket, TicketCost]], metric: str) -> list[float]:
    """The metric of the same round in the searches that have it.

    Args:
        group: The tickets of the round with what they cost.
        metric: The name of the metric.
    """
    values = [measured(ticket.round, metric) for ticket, _ in group]
    return [value for value in values if value is not None]


def _cost(ticket: RoundTicket, macs: ModelMacs | None) -> TicketCost:
    layers = ticket.profile.layers
    kept = {layer.name: layer.kept for layer in layers}
    file = ticket.path.stat().st_size
    return ticket_cost(
        layers, file, sizes_in(ticket.path, kept), None if macs is None else macs.macs
    )


@functools.lru_cache(8)
def _counted(
    path: Path, size: tuple[int, int] | None, written: int, length: int
) -> ModelMacs | str:
    """The MACs of a ticket's model, or why they cannot be counted; costs no random number."""
    if size is None:
        image = image_size(path)
        if isinstance(image, str):
            return image
        size = image.height, image.width
    try:
        with quiet():
            return model_macs(load_ticket(path), *size)
    except (LotteryError, TicketError) as error:
        return str(error)
