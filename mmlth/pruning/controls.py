"""Controls: what a ticket is compared with, trained as the ticket was but for one thing.

For most that thing is the mask, which shares the ticket's numbers, not its choice. Drawn with the
same seed, `random_mask`, `random_layerwise` and `permuted` of masks that nest nest.
"""

from typing import ClassVar, Protocol

import torch
from torch import Generator, Tensor

from mmlth.pruning.errors import PruningError
from mmlth.pruning.mask import Mask


class Control(Protocol):
    """Changes one thing about the training of a ticket.

    A control that changes something else than the mask says so in an attribute that is true:
    ``new_weights``, where it starts from new random weights rather than from θ_k; ``new_order``,
    where it sees the data in another order, with other augmentations; or ``long_dense``, where it
    is the dense model, trained as long as the whole search.
    """

    def __call__(self, mask: Mask, generator: Generator, /) -> Mask:
        """Makes the mask of the control.

        Args:
            mask: The mask of a ticket, on the CPU.
            generator: The only source of random numbers, on the CPU; the same for each ticket.

        Returns:
            A mask of the same names and shapes.

        Raises:
            PruningError: If it cannot be made. Users see its message alone, of any other error the
                traceback.
        """


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
        random_kept = torch.zeros(kept.numel(), dtype=torch.bool)
        order = torch.randperm(kept.numel(), generator=generator)
        random_kept[order[: int(kept.count_nonzero())]] = True
        return random_kept.view(kept.shape)

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
        share: The share of the kept weights, in [0, 1]; where a layer has fewer pruned ones, these
            are all exchanged.
        matched: Whether the density stays. If not, that share of the kept weights is removed and
            that share of the pruned ones is kept, as Chen et al. (CVPR 2021) did with 10 %, by
            which density d becomes d·(1 − share) + (1 − d)·share.

    Raises:
        PruningError: If ``share`` is out of range.
    """
    if not 0 <= share <= 1:
        raise PruningError(f'the share of mask noise must lie in [0, 1], got {share}')

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


class _SameMask:
    """The ticket's own mask."""

    def __call__(self, mask: Mask, generator: Generator) -> Mask:
        return mask


class Reinit(_SameMask):
    """Starts from new random weights, and none that were trained before."""

    new_weights: ClassVar[bool] = True


class DataOrder(_SameMask):
    """Sees the data in another order, with other augmentations."""

    new_order: ClassVar[bool] = True


class LongDense(_SameMask):
    """Is the dense model instead, trained as long as the whole search."""

    long_dense: ClassVar[bool] = True


CONTROLS = {
    'random': random_mask,
    'random_layerwise': random_layerwise,
    'permuted': permuted,
    'complement': complement,
    'noise': noise,
    'reinit': Reinit,
    'data_order': DataOrder,
    'long_dense': LongDense,
}
"""Functions, or classes of controls, by the name that ``lottery.branch.control`` gives."""
