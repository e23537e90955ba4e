"""A least number of weights for each layer, so that none dies unless that is wanted."""

import math
from collections.abc import Mapping

from torch import Tensor

from mmlth.pruning.allocation.allocation import Allocation
from mmlth.pruning.allocation.layerwise import keep_counts
from mmlth.pruning.errors import FloorError, PruningError
from mmlth.pruning.mask import Mask


def least_kept(mask: Mask, floor: float, unit: Mapping[str, int] | None = None) -> dict[str, int]:
    """The smallest number of weights that each layer keeps.

    That is ``floor`` times the layer's size, rounded up, so at least one; in whole units where
    there are such; never more than the layer has left.

    Args:
        mask: The current mask.
        floor: Share of a layer's weights, in [0, 1); with 0 layers may lose all.
        unit: Number of weights of a unit of each layer that is pruned by units.

    Raises:
        PruningError: If ``floor`` is out of range.
    """
    if isinstance(floor, bool) or not isinstance(floor, (int, float)) or not 0 <= floor < 1:
        raise PruningError(f'floor must be a share from 0 to below 1, got {floor!r}')
    unit = unit or {}
    least = {}
    for name, kept in mask.items():
        size = unit.get(name, 1)
        # The small slack keeps 0.07 · 100 from being taken for more than 7.
        wanted = size * math.ceil(kept.numel() * floor / size - 1e-9)
        least[name] = min(wanted, int(kept.count_nonzero()))
    return least


def with_floor(allocation: Allocation, least: Mapping[str, int]) -> Allocation:
    """The same allocation, but for layers to which it would leave too few weights.

    These get their least number, and the rest is allocated among the others. Where there is no such
    layer the result is the allocation's own.

    Args:
        allocation: Any.
        least: The smallest number of weights of each layer, at most as many as it has left.
    """
    if not any(least.values()):
        return allocation
    if hasattr(allocation, 'with_inner'):
        return allocation.with_inner(lambda inner: with_floor(inner, least))

    def allocate(mask: Mask, scores: Mapping[str, Tensor], keep: int) -> Mask:
        needed = sum(least[name] for name in mask)
        if needed > keep:
            raise FloorError(
                f'the floor leaves at least {needed} weights of these {len(mask)} layers, but only '
                f'{keep} are to be kept; lower the floor or the sparsity',
                needed,
            )
        result = allocation(mask, scores, keep)
        poor = [name for name in mask if int(result[name].count_nonzero()) < least[name]]
        if not poor:
            return result
        floored = keep_counts(Mask({name: mask[name] for name in poor}), scores, least)
        rest = Mask({name: kept for name, kept in mask.items() if name not in floored})
        others = allocate(rest, scores, keep - floored.kept) if len(rest) else rest
        return Mask({name: floored[name] if name in floored else others[name] for name in mask})

    return allocate
