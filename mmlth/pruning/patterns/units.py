"""Kernels and channels: units of weights that go together."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from mmlth.pruning.allocation import Allocation, least_kept, with_floor
from mmlth.pruning.mask import Mask
from mmlth.pruning.patterns.whole_units import best_units


def kernel(
    mask: Mask, scores: Mapping[str, Tensor], keep: int, allocation: Allocation, floor: float
) -> Mask:
    """Whole k × k kernels, one of each pair of an output and an input channel.

    Kernels of linear layers and 1 × 1 convolutions are single weights, which are so ranked among
    the means of larger kernels. How kernels are chosen is said in `best_units`.

    Args:
        mask: The current mask; kernels that are pruned in part already count for what is left.
        scores: A score for each weight, of its mask's shape; a kernel's is the mean.
        keep: The largest number of weights to keep; in general a few less are kept.
        allocation: Spreads that number over the layers.
        floor: The smallest share of a layer to keep, rounded up to whole kernels; see
            `least_kept`.

    Raises:
        PruningError: If the floor is out of range or impossible, or by ``allocation``.
    """
    layouts = {
        name: _Leading(math.prod(kept.shape[:2]), tuple(kept.shape)) for name, kept in mask.items()
    }
    return best_units(mask, layouts, scores, keep, _with_floor(allocation, floor, mask, layouts))


def channel(
    mask: Mask, scores: Mapping[str, Tensor], keep: int, allocation: Allocation, floor: float
) -> Mask:
    """Whole output channels: all weights that one output channel, or output, is computed with.

    How they are chosen is said in `best_units`.

    Args:
        mask: The current mask; units that are pruned in part already count for what is left.
        scores: A score for each weight, of its mask's shape.
        keep: The largest number of weights to keep; in general a few less are kept.
        allocation: Spreads that number over the layers.
        floor: The smallest share of a layer to keep, rounded up to whole units; see `least_kept`.

    Raises:
        PruningError: If the floor is out of range or impossible, or by ``allocation``.
    """
    layouts = {name: _Leading(len(kept), tuple(kept.shape)) for name, kept in mask.items()}
    return best_units(mask, layouts, scores, keep, _with_floor(allocation, floor, mask, layouts))


@dataclass(frozen=True)
class _Leading:
    """Units along the first dimensions."""

    count: int
    shape: tuple[int, ...]

    def rows(self, tensor: Tensor) -> Tensor:
        return tensor.reshape(self.count, -1)

    def tensor(self, rows: Tensor) -> Tensor:
        return rows.reshape(self.shape)


def _with_floor(
    allocation: Allocation, floor: float, mask: Mask, layouts: Mapping[str, _Leading]
) -> Allocation:
    """The allocation, which leaves each layer at least a floor of whole units."""
    sizes = {name: kept.numel() // layouts[name].count for name, kept in mask.items()}
    return with_floor(allocation, least_kept(mask, floor, sizes))
