"""The best units of weights that go together, whatever their shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from mmlth.pruning.allocation import Allocation
from mmlth.pruning.mask import Mask


class Layout(Protocol):
    """Which weights of a layer are a unit."""

    def rows(self, tensor: Tensor, /) -> Tensor:
        """The layer's tensor with a row a unit, (units, size).

        Rows of units that have fewer weights are filled up with zeros.
        """

    def tensor(self, rows: Tensor, /) -> Tensor:
        """Back again: from (units, size) to the layer's shape."""


def best_units(
    mask: Mask,
    layouts: Mapping[str, Layout],
    scores: Mapping[str, Tensor],
    keep: int,
    allocation: Allocation,
) -> Mask:
    """Keeps whole units.

    A unit's score is the mean over its weights. ``allocation`` says how many weights each layer is
    to have, each of them having the score of its unit; a layer keeps as many of its best units as
    fit. What that leaves over goes, a unit each, to the layers that came closest to one more. So
    as many weights are kept as fit into ``keep``, in general a few less.

    Args:
        mask: The current mask; units that are pruned in part already count for what is left.
        layouts: The units of each layer.
        scores: A score for each weight, of its mask's shape.
        keep: The largest number of weights to keep.
        allocation: Spreads that number over the layers.

    Raises:
        PruningError: By ``allocation``.
    """
    rows = {name: layouts[name].rows(kept) for name, kept in mask.items()}
    means = {
        name: _means(layouts[name].rows(scores[name].detach().cpu()), rows[name]) for name in mask
    }
    spread = {
        name: layouts[name].tensor(means[name][:, None].expand(rows[name].shape)) for name in mask
    }
    given = allocation(mask, spread, keep)
    layers = {
        name: _fitting(means[name], rows[name], int(given[name].count_nonzero())) for name in mask
    }
    _hand_out(list(layers.values()))
    return Mask({name: layouts[name].tensor(_kept(rows[name], layers[name])) for name in mask})


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


def _means(scores: Tensor, kept: Tensor) -> Tensor:
    """The mean score of each unit over its weights that are left; 0 if none is."""
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


def _kept(rows: Tensor, layer: _Layer) -> Tensor:
    chosen = torch.zeros(len(rows), dtype=torch.bool)
    chosen[layer.order[: layer.kept]] = True
    return rows & chosen[:, None]
