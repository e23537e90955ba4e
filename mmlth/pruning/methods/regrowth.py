"""Sparse training: weights are dropped by magnitude, and as many others grow in their layer."""

import math
import zlib
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from mmlth.pruning.allocation import Allocation, erk, uniform
from mmlth.pruning.errors import PruningError
from mmlth.pruning.mask import Mask
from mmlth.pruning.methods.method import Moment
from mmlth.pruning.methods.timing import Length, Step, check_order

DENSITIES: dict[str, Allocation] = {'erk': erk, 'uniform': uniform}


@dataclass(frozen=True)
class SET:
    """Weights are dropped by magnitude, and grow at random (Mocanu et al., 2018, arXiv 1707.04780).

    Training begins under a random mask of the final density. At each update a layer drops the share
    α/2·(1 + cos(π·t/T_end)) of its kept weights, those of the smallest magnitude, and grows as many
    of those that it then lacks, from zero. One that is dropped may grow again at once, and then
    keeps its value. The cosine is that of Evci et al. (ICML 2020), who ran it beside RigL.

    Args:
        share: α, the share that moves at the beginning.
        every: Between two updates.
        end: T_end; the mask stays from then on.
        densities: How the first mask spreads its weights over the layers: ``'erk'`` or
            ``'uniform'``. Evci et al. leave the first layer dense under ``'uniform'``; exclude it
            by ``lottery.targets`` for that.

    Raises:
        PruningError: If ``share`` or ``densities`` is none.
    """

    share: float = 0.3
    every: Step = 0.01
    end: Step = 0.75
    densities: str = 'erk'

    nested: ClassVar[bool] = False
    prunes: ClassVar[bool] = False
    gradients: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise PruningError(f'share must lie in (0, 1], got {self.share!r}')
        if self.densities not in DENSITIES:
            raise PruningError(
                f'densities must be one of {", ".join(DENSITIES)}, got {self.densities!r}'
            )

    def updates(self, length: Length) -> frozenset[int]:
        """See `Method`."""
        every = max(length.iterations_of('every', self.every), 1)
        return frozenset({0, *range(0, self._end(length), every)})

    def update(self, moment: Moment) -> Mask:
        """See `Method`."""
        if moment.done == 0:
            scores = {name: _noise(name, moment) for name in moment.mask}
            return DENSITIES[self.densities](moment.mask, scores, moment.keep)
        cosine = math.cos(math.pi * moment.done / self._end(moment.length))
        share = self.share / 2 * (1 + cosine)
        masks = {}
        for name, kept in moment.mask.items():
            growth = self._growth(name, moment)
            moves = bool(growth.any())  # a layer without gradients, as a frozen one, has no best
            masks[name] = moved(moment.weights[name], kept, growth, share) if moves else kept
        return Mask(masks)

    def _growth(self, name: str, moment: Moment) -> Tensor:
        """Of the layer's shape: the weights with the largest of these numbers grow."""
        return _noise(name, moment)

    def _end(self, length: Length) -> int:
        end = length.iterations_of('end', self.end)
        check_order(length, end=end)
        return end


class RigL(SET):
    """Those weights grow whose gradient is the largest (Evci et al., ICML 2020, arXiv 1911.11134).

    All else, options included, is as with `SET`. The paper updates the mask in place of a step;
    here the step is made by the same gradients, and then the mask changes.
    """

    gradients: ClassVar[bool] = True

    def _growth(self, name: str, moment: Moment) -> Tensor:
        return (moment.gradients or {})[name].abs()


def moved(weight: Tensor, kept: Tensor, growth: Tensor, share: float) -> Tensor:
    """The mask of a layer after some of its weights were dropped and as many have grown.

    Args:
        weight: The layer's weight, any dtype and shape.
        kept: bool of its shape, true: kept.
        growth: Of its shape; of the weights that are not kept after dropping, the largest grow.
        share: The share of the kept weights that is dropped, rounded down; in [0, 1].

    Returns:
        bool of its shape, as many true as in ``kept``. Ties are dropped, and grow, by position.

    Raises:
        PruningError: If a weight or a number is NaN.
    """
    if bool(weight.isnan().any()) or bool(growth.isnan().any()):
        raise PruningError('a weight or gradient is NaN: the training has diverged')
    flat = kept.reshape(-1)
    count = int(share * int(flat.count_nonzero()))
    magnitudes = weight.detach().reshape(-1).abs().float().masked_fill(~flat, math.inf)
    after = flat.clone()
    after[magnitudes.argsort(stable=True)[:count]] = False
    order = growth.reshape(-1).float().masked_fill(after, -math.inf)
    after[order.argsort(descending=True, stable=True)[:count]] = True
    return after.view(kept.shape)


def _noise(name: str, moment: Moment) -> Tensor:
    """Random numbers of a layer, the same whenever and wherever they are drawn."""
    seed = zlib.crc32(f'{moment.seed} {moment.done} {name}'.encode())
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(moment.mask[name].shape, generator=generator)
