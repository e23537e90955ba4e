"""Kernels and channels: units of weights that go together."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mmlth.pruning.allocation import Allocation, least_kept, with_floor
from mmlth.pruning.mask import Mask


def kernel(
    mask: Mask, scores: Mapping[str, Tensor], keep: int, allocation: Allocation, floor: float
) -> Mask:
    """Whole k × k kernels, one of each pair of an output and an input channel.

    Kernels of linear layers and 1 × 1 convolutions are single weights, which are so ranked among
    the means of larger kernels. How kernels are chosen is said in `channel`.

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
    units = {name: math.prod(kept.shape[:2]) for name, kept in mask.items()}
    least = _least_kept(mask, units, floor)
    return _best_units(mask, units, scores, keep, with_floor(allocation, least))


def channel(
    mask: Mask, scores: Mapping[str, Tensor], keep: int, allocation: Allocation, floor: float
) -> Mask:
    """Whole output channels: all weights that one output channel, or output, is computed with.

    A unit's score is the mean over its weights. ``allocation`` says how many weights each layer is
    to have, each of them having the score of its unit; a layer keeps as many of its best units as
    fit. What that leaves over goes, a unit each, to the layers that came closest to one more. So
    as many weights are kept as fit into ``keep``, in general a few less.

    Args:
        mask: The current mask; units that are pruned in part already count for what is left.
        scores: A score for each weight, of its mask's shape.
        keep: The largest number of weights to keep.
        allocation: Spreads that number over the layers.
        floor: The smallest share of a layer to keep, rounded up to whole units; see `least_kept`.

    Raises:
        PruningError: If the floor is out of range or impossible, or by ``allocation``.
    """
    units = {name: len(kept) for name, kept in mask.items()}
    least = _least_kept(mask, units, floor)
    return _best_units(mask, units, scores, keep, with_floor(allocation, least))


@dataclass
class _Layer:
    """The units of a layer that are left, best first, and how many of them stay."""

    sizes: Tensor  # int64: number of weights of each
    order: Tensor  # int64: which unit of the layer each is
    kept: int  # number of units
    over: int  # number of weights that the layer was given and cannot use

    @property
    def next(self) -> int:
        """Number of weights of the best unit that does not stay."""
        return int(self.sizes[self.kept])


def _least_kept(mask: Mask, units: Mapping[str, int], floor: float) -> dict[str, int]:
    return least_kept(mask, floor, {n: k.numel() // units[n] for n, k in mask.items()})


def _best_units(
    mask: Mask,
    units: Mapping[str, int],
    scores: Mapping[str, Tensor],
    keep: int,
    allocation: Allocation,
) -> Mask:
    """The best units of each layer, which has so many along its first dimensions."""
    means = {name: _means(scores[name], kept, units[name]) for name, kept in mask.items()}
    spread = {
        name: means[name][:, None]
        .expand(units[name], kept.numel() // units[name])
        .reshape(kept.shape)
        for name, kept in mask.items()
    }
    given = allocation(mask, spread, keep)
    layers = {
        name: _fitting(means[name], kept.reshape(units[name], -1), int(given[name].count_nonzero()))
        for name, kept in mask.items()
    }
    _hand_out(list(layers.values()))
    return Mask({name: _kept(mask[name], layer, units[name]) for name, layer in layers.items()})


def _means(scores: Tensor, kept: Tensor, units: int) -> Tensor:
    """The mean score of each unit over its weights that are left, on the CPU; 0 if none is."""
    scores, kept = scores.detach().cpu().reshape(units, -1), kept.reshape(units, -1)
    sums = torch.where(kept, scores, torch.zeros((), dtype=scores.dtype)).sum(
        1, dtype=torch.float64
    )
    return (sums / kept.sum(1).clamp_min(1)).to(torch.promote_types(scores.dtype, torch.float32))


def _fitting(means: Tensor, kept: Tensor, room: int) -> _Layer:
    """As many of a layer's best units as fit into ``room`` weights."""
    sizes = kept.sum(1)
    order = means.masked_fill(sizes == 0, -torch.inf).sort(descending=True, stable=True).indices
    order = order[sizes[order] > 0]
    sizes = sizes[order]
    sums = sizes.cumsum(0)
    count = int((sums <= room).sum())
    return _Layer(sizes, order, count, room - (int(sums[count - 1]) if count else 0))


def _hand_out(layers: list[_Layer]) -> None:
    """Gives what single layers cannot use to those that lack the least for one more unit."""
    left = sum(layer.over for layer in layers)
    for layer in sorted(
        (layer for layer in layers if layer.over), key=lambda layer: -layer.over / layer.next
    ):
        if layer.next <= left:
            left -= layer.next
            layer.kept += 1


def _kept(mask: Tensor, layer: _Layer, units: int) -> Tensor:
    chosen = torch.zeros(units, dtype=torch.bool)
    chosen[layer.order[: layer.kept]] = True
    return (mask.reshape(units, -1) & chosen[:, None]).view(mask.shape)
