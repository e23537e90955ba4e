"""The weights that a ticket is trained from, θ_k ⊙ m, rebuilt from a search's rewind file."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from mmlth.pruning import masked
from mmlth.ticket.errors import TicketMismatchError
from mmlth.ticket.planes import as_uint
from mmlth.ticket.tensors import load_tensors
from mmlth.ticket.ticket import Ticket

REWIND_WEIGHTS = 'weights/'
"""What the names of θ_k begin with in a rewind file, which holds a training state beside them."""


def with_initial(ticket: Ticket, rewind: str | Path) -> Ticket:
    """Returns the ticket with the weights that it starts from, which a search stores once.

    Args:
        ticket: A ticket of a search.
        rewind: The search's rewind file, ``WORK_DIR/rewind.safetensors``.

    Raises:
        FileNotFoundError: If there is no such file.
        TicketError: If it is damaged or no rewind file.
        TicketMismatchError: If it is that of another search.
    """
    weights = load_rewind_weights(rewind)
    expected = str(ticket.metadata('rewind').get('weights_sha256'))
    actual = weights_hash(weights)
    if actual != expected:
        raise TicketMismatchError(
            f'{rewind} holds weights with the SHA-256 {actual[:12]}…, but the ticket starts from '
            f'{expected[:12]}…; give the rewind file of its own search'
        )
    initial = masked(weights, ticket.mask)
    return replace(ticket, initial={name: initial[name] for name in ticket.weights or initial})


def load_rewind_weights(path: str | Path) -> dict[str, Tensor]:
    """Reads θ_k, the weights that were being trained at the rewind step."""
    tensors, _ = load_tensors(path)
    weights = {name: each for name, each in tensors.items() if name.startswith(REWIND_WEIGHTS)}
    return {name.removeprefix(REWIND_WEIGHTS): each for name, each in weights.items()}


def weights_hash(weights: Mapping[str, Tensor]) -> str:
    """Returns the SHA-256 over names and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(as_uint(weights[name]).data)
    return digest.hexdigest()
