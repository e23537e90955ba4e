"""What a score may look at."""

import copy
from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from torch import Tensor, nn

from mmlth.pruning.deviations import LOG_DEVIATION
from mmlth.pruning.errors import PruningError
from mmlth.pruning.mask import Mask, masked

PLACES = ('start', 'trained')
"""The weights at which scores that evaluate the network may do so."""

NEEDS = frozenset({'start', 'network', 'deviations'})
"""What a score may need beside the trained weights."""


def check_place(at: str) -> None:
    """Refuses what is none of `PLACES`.

    Raises:
        PruningError: If it is none.
    """
    if at not in PLACES:
        raise PruningError(f'at must be one of {", ".join(PLACES)}, got {at!r}')


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


class ScoreInputs:
    """What a score ranks the weights by.

    Args:
        trained: Trained weights by name; may hold more of the model than its prunable weights.
        mask: The current mask. Only the weights that it keeps compete.
        start: The weights that training starts from, θ_k, by the same names; None: not known.
        network: The network; None: not at hand.
        seed: The seed of scores that draw random numbers.
    """

    def __init__(
        self,
        trained: Mapping[str, Tensor],
        mask: Mask,
        start: Mapping[str, Tensor] | None = None,
        network: Network | None = None,
        seed: int = 0,
    ) -> None:
        self.trained = trained
        self.mask = mask
        self.seed = seed
        self._start = start
        self._network = network
        self._needs: Collection[str] = NEEDS

    def limited_to(self, needs: Collection[str]) -> 'ScoreInputs':
        """The same inputs, of which only those in ``needs`` can be looked at; see `needs_of`."""
        limited = copy.copy(self)
        limited._needs = needs
        return limited

    def under(self, mask: Mask) -> 'ScoreInputs':
        """The same inputs under another mask."""
        changed = copy.copy(self)
        changed.mask = mask
        return changed

    @property
    def weights(self) -> dict[str, Tensor]:
        """The trained weights that ``mask`` is about, by name."""
        return {name: self.trained[name] for name in self.mask}

    @property
    def start(self) -> Mapping[str, Tensor]:
        """The weights that training starts from, θ_k, by name.

        Raises:
            PruningError: If the score does not declare that it needs them, if they are not known,
                or if they lack one that ``mask`` names.
        """
        self._check_declared('start', 'the weights that training starts from')
        if self._start is None:
            raise PruningError(
                'the score compares with the weights that training starts from; give start'
            )
        for name in self.mask:
            if name not in self._start or self._start[name].shape != self.mask[name].shape:
                raise PruningError(f'start lacks {name!r}, or has it in another shape')
        return self._start

    @property
    def start_weights(self) -> dict[str, Tensor]:
        """The weights of `start` that ``mask`` is about, by name; for errors see there."""
        start = self.start
        return {name: start[name] for name in self.mask}

    @property
    def log_deviations(self) -> dict[str, Tensor]:
        """Log σ of the weights that ``mask`` is about, by name; see `add_deviations`.

        Raises:
            PruningError: If the score does not declare that it needs them, or weights have none.
        """
        self._check_declared('deviations', 'how far weights spread')
        result = {}
        for name in self.mask:
            beside = self.trained.get(f'{name}{LOG_DEVIATION}')
            if beside is None or beside.shape != self.mask[name].shape:
                raise PruningError(
                    f'the score compares means with deviations, but {name!r} has none beside it '
                    f'({name}{LOG_DEVIATION}), so it is no Gaussian weight'
                )
            result[name] = beside.detach()
        return result

    @property
    def network(self) -> Network:
        """The network that the weights belong to.

        Raises:
            PruningError: If the score does not declare that it needs it, or it is not at hand.
        """
        self._check_declared('network', 'the network')
        if self._network is None:
            raise PruningError('the score evaluates the network; give network')
        return self._network

    def state(self, at: str) -> dict[str, Tensor]:
        """The network's tensors under the mask, as far as they are known.

        Args:
            at: ``'start'`` or ``'trained'``.

        Raises:
            PruningError: If ``at`` is neither, or by `start`.
        """
        check_place(at)
        return masked(self.start if at == 'start' else self.trained, self.mask)

    def _check_declared(self, need: str, what: str) -> None:
        if need not in self._needs:
            declared = ', '.join(map(repr, sorted({*self._needs, need})))
            raise PruningError(
                f'the score looks at {what} but does not declare it; give the score the attribute '
                f'needs = {{{declared}}}'
            )
