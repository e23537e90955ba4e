"""What a score may look at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from torch import Tensor, nn

from mmlth.pruning.mask import Mask, masked

PLACES = ('start', 'trained')
"""The weights at which scores that evaluate the network may do so."""


def check_place(at: str) -> None:
    """Refuses what is none of `PLACES`.

    Raises:
        ValueError: If it is none.
    """
    if at not in PLACES:
        raise ValueError(f'at must be one of {", ".join(PLACES)}, got {at!r}')


class Network(Protocol):
    """The network that the weights belong to, for scores that evaluate it."""

    @property
    def model(self) -> nn.Module:
        """The dense model; its parameters have the names that weights and mask have."""

    def losses(self, batches: int) -> Iterator[Tensor]:
        """The training loss of each of ``batches`` batches, with its graph.

        Every call gives the same batches in the same order.
        """

    def response(self) -> Tensor:
        """The sum of all outputs for an input of ones, with its graph, in the model's dtype."""


@dataclass(frozen=True)
class ScoreInputs:
    """What a score ranks the weights by.

    Attributes:
        trained: Trained weights by name; may hold more of the model than its prunable weights.
        mask: The current mask. Only the weights that it keeps compete.
        start: The weights that training starts from, θ_k, by the same names; None: not known.
        network: The network; None: not at hand.
        seed: For scores that draw random numbers.
    """

    trained: Mapping[str, Tensor]
    mask: Mask
    start: Mapping[str, Tensor] | None = None
    network: Network | None = None
    seed: int = 0

    @cached_property
    def weights(self) -> dict[str, Tensor]:
        """The trained weights that ``mask`` is about, by name."""
        return {name: self.trained[name] for name in self.mask}

    @property
    def start_weights(self) -> dict[str, Tensor]:
        """The weights at the start that ``mask`` is about, by name.

        Raises:
            ValueError: If they are not known, or lack one.
        """
        return {name: self._known_start()[name] for name in self.mask}

    def state(self, at: str) -> dict[str, Tensor]:
        """The network's tensors under the mask, as far as they are known.

        Args:
            at: ``'start'`` or ``'trained'``.

        Raises:
            ValueError: If ``at`` is neither, or the start is asked for and not known.
        """
        check_place(at)
        return masked(self._known_start() if at == 'start' else self.trained, self.mask)

    def needed_network(self) -> Network:
        """The network.

        Raises:
            ValueError: If it is not at hand.
        """
        if self.network is None:
            raise ValueError('the score evaluates the network; give network')
        return self.network

    def _known_start(self) -> Mapping[str, Tensor]:
        if self.start is None:
            raise ValueError(
                'the score compares with the weights that training starts from; give start'
            )
        for name in self.mask:
            if name not in self.start or self.start[name].shape != self.mask[name].shape:
                raise ValueError(f'start lacks {name!r}, or has it in another shape')
        return self.start
