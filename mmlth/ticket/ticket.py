"""A ticket: a mask, the weights trained under it, and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from mmlth.pruning.mask import Mask
from mmlth.ticket.errors import TicketMismatchError


@dataclass
class Ticket:
    """A sparse subnetwork.

    Attributes:
        mask: The weights it keeps.
        weights: All parameters and buffers of the model by the names of its ``state_dict()``,
            as they were after training; pruned weights are zero. None if it is not trained, or
            was saved without them.
        info: Where it comes from: round, metrics, seed, hash of the rewind state, config, …
            (JSON values, tuples and NumPy arrays).
        initial: The weights that training started from, θ_k ⊙ m, if they are at hand; same names,
            shapes and dtypes as ``weights``.
    """

    mask: Mask
    weights: Mapping[str, Tensor] | None
    info: dict[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Tensor] | None = None

    def state_dict(self) -> dict[str, Tensor]:
        """The trained weights as a dense state dict, with the unmasked model's keys and shapes.

        Raises:
            TicketMismatchError: If the ticket holds no trained weights.
        """
        if self.weights is None:
            raise TicketMismatchError(
                'the ticket holds a mask without trained weights; train it, or load one that does'
            )
        return dict(self.weights)

    def initial_state_dict(self) -> dict[str, Tensor]:
        """θ_k ⊙ m as a dense state dict.

        Raises:
            TicketMismatchError: If the ticket came without them; see `with_initial`.
        """
        if self.initial is None:
            raise TicketMismatchError(
                'the ticket came without the weights that it starts from; add them from the '
                "search's rewind file by mmlth.with_initial(ticket, 'WORK_DIR/rewind.safetensors')"
            )
        return dict(self.initial)
