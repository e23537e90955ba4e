"""All that can be said of one ticket file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmlth.analysis.cost import Sizes, Stored, sizes, stored
from mmlth.analysis.masks import Layer, Module, layers, modules
from mmlth.ticket import Ticket, load_ticket

PROVENANCE = (
    *('round', 'seed', 'rewind', 'metrics', 'versions', 'parent_sha256', 'config_sha256'),
    'soup',
)
"""What is shown of where a ticket comes from, if it tells, beside its model and its search."""


@dataclass(frozen=True)
class Inspection:
    """What a ticket file holds.

    Attributes:
        path: The file.
        ticket: What it holds.
        provenance: Where it comes from: `PROVENANCE`, ``model`` (its class) and ``lottery`` (the
            settings of its search), as far as it tells.
        layers: Its masked weights.
        modules: The same by module.
        parameters: Number of the model's parameters, masked or not; None: the ticket tells not.
        stored: What takes the file's bytes.
        sizes: Bytes in other formats; None for a ticket without weights.
    """

    path: str
    ticket: Ticket
    provenance: dict[str, Any]
    layers: list[Layer]
    modules: list[Module]
    parameters: int | None
    stored: Stored
    sizes: Sizes | None

    @property
    def network_sparsity(self) -> float | None:
        """Share of all parameters that is removed, in [0, 1]; None if their number is unknown."""
        return self.ticket.mask.network_sparsity(self.parameters) if self.parameters else None


def inspect_ticket(path: str | Path) -> Inspection:
    """Reads a ticket and counts what it holds.

    Raises:
        FileNotFoundError: If there is no such file.
        TicketError: If it is no ticket that can be read.
    """
    ticket = load_ticket(path)
    counted = layers(ticket.mask)
    parameters = ticket.info.get('parameters')
    known = type(parameters) is int and parameters >= ticket.mask.total
    return Inspection(
        str(path),
        ticket,
        provenance(ticket.info),
        counted,
        modules(counted),
        parameters if known else None,
        stored(path),
        None if ticket.weights is None else sizes(ticket.mask, ticket.weights),
    )


def provenance(info: Mapping[str, Any]) -> dict[str, Any]:
    """Sums up where a ticket comes from, as far as its metadata say."""
    config = info.get('config')
    config = config if isinstance(config, dict) else {}
    model = config.get('model')
    facts = {
        'model': model.get('type') if isinstance(model, dict) else None,
        **{key: info.get(key) for key in PROVENANCE},
        'lottery': config.get('lottery'),
    }
    return {key: value for key, value in facts.items() if value is not None}
