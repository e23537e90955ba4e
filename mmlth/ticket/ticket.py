"""A ticket: a mask, the weights trained under it, and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from mmlth.pruning import Mask, deviations, means
from mmlth.ticket.errors import DamagedTicketError, TicketMismatchError


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
        values: ``'float16'`` or ``'bfloat16'`` if the file held kept weights that were rounded.
    """

    mask: Mask
    weights: Mapping[str, Tensor] | None
    info: dict[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Tensor] | None = None
    values: str | None = None

    def state_dict(self, log_deviations: bool = False) -> dict[str, Tensor]:
        """Returns the trained weights as a dense state dict with the model's own keys and shapes.

        Args:
            log_deviations: Whether log σ of Gaussian weights comes with their means; the stock
                model has no such keys.

        Raises:
            TicketMismatchError: If the ticket holds no trained weights.
        """
        if self.weights is None:
            raise TicketMismatchError(
                'the ticket holds a mask without trained weights; train it, or load one that does'
            )
        return dict(self.weights) if log_deviations else means(self.weights)

    def deviations(self) -> dict[str, Tensor]:
        """Returns σ of Gaussian weights by the weight's name, 0 where it is pruned.

        Of a ticket whose weights are numbers, as most are, it is empty.

        Raises:
            TicketMismatchError: If the ticket holds no trained weights.
        """
        return deviations(self.state_dict(log_deviations=True), self.mask)

    def initial_state_dict(self) -> dict[str, Tensor]:
        """Returns θ_k ⊙ m as a dense state dict.

        Raises:
            TicketMismatchError: If the ticket came without them; see `with_initial`.
        """
        if self.initial is None:
            raise TicketMismatchError(
                'the ticket came without the weights that it starts from; add them from the '
                "search's rewind file by mmlth.with_initial(ticket, 'WORK_DIR/rewind.safetensors')"
            )
        return means(self.initial)

    def metadata(self, key: str) -> Mapping[str, Any]:
        """Returns the values by name that ``info`` holds under a key; none if it lacks the key.

        Raises:
            DamagedTicketError: If it holds anything else there.
        """
        value = self.info.get(key)
        return {} if value is None else _by_name(value, key)

    def dataset_meta(self) -> Mapping[str, Any] | list[Mapping[str, Any]]:
        """Returns what the data set says of itself; a list of that where several were joined.

        Of joined data sets that have the same classes it is what the first one says, as models and
        visualizers expect one. Nothing if the ticket does not say.

        Raises:
            DamagedTicketError: If ``info`` holds anything else there.
        """
        value = self.info.get('dataset_meta')
        if not isinstance(value, list):
            return self.metadata('dataset_meta')
        parts = [_by_name(part, 'dataset_meta') for part in value]
        # By their texts, since whatever stands there may be an array.
        same = len({repr(part.get('classes')) for part in parts}) == 1
        return parts[0] if same else parts

    def module_versions(self) -> dict[str, int | None]:
        """Returns the versions of the model's modules, as `torch.nn.Module` counts them.

        Raises:
            DamagedTicketError: If ``info`` holds anything else there.
        """
        versions = dict(self.metadata('module_versions'))
        for name, version in versions.items():
            if version is not None and type(version) is not int:
                raise DamagedTicketError(
                    'a ticket has whole numbers as module_versions, got a '
                    f'{type(version).__name__} for {name!r:.60}'
                )
        return versions


def _by_name(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DamagedTicketError(
            f'a ticket has values by name as {key}, got a {type(value).__name__}'
        )
    for name in value:
        if not isinstance(name, str):
            raise DamagedTicketError(
                f'a ticket has values by name as {key}, got {name!r:.60} as a name'
            )
    return value
