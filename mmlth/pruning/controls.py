"""Masks that a ticket's mask is compared with: they share its numbers, not its choice.

Drawn with the same seed, `random_mask`, `random_layerwise` and `permuted` of masks that nest nest.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from mmlth.pruning.mask import Mask

MaskControl = Callable[[Mask, Generator], Mask]
"""Makes the mask of a control from that of a ticket."""


def random_mask(mask: Mask, generator: Generator) -> Mask:
    """As many weights as ``mask`` keeps, drawn from all layers together.

    Args:
        mask: The mask of a ticket.
        generator: Source of random numbers, on the CPU.
    """
    order = torch.randperm(mask.total, generator=generator)
    kept = torch.zeros(mask.total, dtype=torch.bool)
    kept[order[: mask.kept]] = True
    parts = kept.split([tensor.numel() for tensor in mask.values()])
    return Mask({name: part.view(mask[name].shape) for name, part in zip(mask, parts)})


def random_layerwise(mask: Mask, generator: Generator) -> Mask:
    """As many weights in each layer as ``mask`` keeps there (Frankle et al., 2019).

    Equal in distribution to `permuted`; the layers' densities are all that is left of the ticket.

    Args:
        mask: The mask of a ticket.
        generator: Source of random numbers, on the CPU.
    """

    def draw(kept: Tensor) -> Tensor:
        drawn = torch.zeros(kept.numel(), dtype=torch.bool)
        order = torch.randperm(kept.numel(), generator=generator)
        drawn[order[: int(kept.count_nonzero())]] = True
        return drawn.view(kept.shape)

    return Mask({name: draw(kept) for name, kept in mask.items()})


def permuted(mask: Mask, generator: Generator) -> Mask:
    """The positions of each layer shuffled (Chen et al., *Elastic LTH*, 2021; open_lth).

    Args:
        mask: The mask of a ticket.
        generator: Source of random numbers, on the CPU.
    """
    return Mask(
        {
            name: kept.reshape(-1)[torch.randperm(kept.numel(), generator=generator)].view(
                kept.shape
            )
            for name, kept in mask.items()
        }
    )


def complement(mask: Mask, generator: Generator) -> Mask:
    """The weights that ``mask`` removes: density d becomes 1 − d (Chen et al., CVPR 2021).

    Args:
        mask: The mask of a ticket.
        generator: Unused; nothing is drawn.
    """
    return Mask({name: ~kept for name, kept in mask.items()})


def noise(mask: Mask, generator: Generator, share: float = 0.1, matched: bool = True) -> Mask:
    """A share of each layer's kept weights exchanged for as many pruned ones.

    Args:
        mask: The mask of a ticket.
        generator: Source of random numbers, on the CPU.
        share: Of the kept weights, in [0, 1]; where a layer has fewer pruned ones, these are all
            exchanged.
        matched: Whether the density stays. If not, that share of the kept weights is removed and
            that share of the pruned ones is kept, as Chen et al. (CVPR 2021) did with 10 %, by
            which density d becomes d·(1 − share) + (1 − d)·share.

    Raises:
        ValueError: If ``share`` is out of range.
    """
    if not 0 <= share <= 1:
        raise ValueError(f'the share of mask noise must lie in [0, 1], got {share}')

    def flip(kept: Tensor) -> Tensor:
        ones, zeros = kept.reshape(-1).nonzero()[:, 0], (~kept).reshape(-1).nonzero()[:, 0]
        off = round(share * len(ones))
        on = round(share * len(zeros))
        if matched:
            off = on = min(off, len(zeros))
        flipped = kept.reshape(-1).clone()
        flipped[ones[torch.randperm(len(ones), generator=generator)[:off]]] = False
        flipped[zeros[torch.randperm(len(zeros), generator=generator)[:on]]] = True
        return flipped.view(kept.shape)

    return Mask({name: flip(kept) for name, kept in mask.items()})
