"""N:M: at most N weights of each M in a row, which hardware computes with faster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmlth.pruning.allocation import Allocation, least_kept, with_floor
from mmlth.pruning.errors import PruningError
from mmlth.pruning.mask import Mask


@dataclass(frozen=True)
class NOfM:
    """At most N of each M consecutive weights along the input channels (Mishra et al., 2021).

    *Accelerating Sparse Deep Neural Networks*. That is the dimension which matrix products sum
    over, so the one in which NVIDIA's 2:4 units skip zeros: the inputs of a linear layer; the input
    channels, for each kernel position by itself, of a convolution, which is computed as such a
    product over weights in the order N, k_h, k_w, C.

    The N best of each M stay until all others are gone. So the masks of a search nest, those from
    sparsity 1 − N/M on are N:M, and sparser ones prune on within.

    Attributes:
        n: How many of a group may stay.
        m: Size of a group, at least 2.
    """

    n: int
    m: int

    def __post_init__(self) -> None:
        whole = all(isinstance(v, int) and not isinstance(v, bool) for v in (self.n, self.m))
        if not whole or not 0 < self.n < self.m:
            raise PruningError(f'N:M needs whole numbers 0 < N < M, got {self.n!r}:{self.m!r}')

    @property
    def least_sparsity(self) -> float:
        """The sparsity at which all groups have N weights."""
        return 1 - self.n / self.m

    def fits(self, shape: Sequence[int]) -> bool:
        """Whether the input channels, dimension 1, can be divided into groups."""
        return len(shape) > 1 and shape[1] % self.m == 0

    def __call__(
        self,
        mask: Mask,
        scores: Mapping[str, Tensor],
        keep: int,
        allocation: Allocation,
        floor: float,
    ) -> Mask:
        """Draws a mask of exactly ``keep`` weights; ties go to the earlier position.

        Args:
            mask: The current mask, each of its tensors with a shape that `fits`.
            scores: A score for each weight, of its mask's shape.
            keep: Number of weights to keep.
            allocation: Spreads that number over the layers, once all groups have N weights.
            floor: The smallest share of a layer to keep, at most N/M; see `least_kept`.

        Raises:
            PruningError: If a weight does not fit, the floor is more than N/M or impossible, or by
                ``allocation``.
        """
        for name, kept in mask.items():
            if not self.fits(kept.shape):
                raise PruningError(
                    f'{name!r} of shape {tuple(kept.shape)} cannot be pruned {self.n}:{self.m}: '
                    f'its input channels are no multiple of {self.m}; leave it out'
                )
        if floor > self.n / self.m:
            raise PruningError(f'a floor of {floor} is more than {self.n}:{self.m} keeps')
        best = Mask({name: self._best(scores[name], kept) for name, kept in mask.items()})
        if keep <= best.kept:
            return with_floor(allocation, least_kept(best, floor))(best, scores, keep)
        others = allocation(
            Mask({name: kept & ~best[name] for name, kept in mask.items()}),
            scores,
            keep - best.kept,
        )
        return Mask({name: kept | others[name] for name, kept in best.items()})

    def _best(self, scores: Tensor, kept: Tensor) -> Tensor:
        """The N best weights of each group, of those that are left; ties go to the earlier."""
        groups = kept.movedim(1, -1).unflatten(-1, (-1, self.m))
        ranked = scores.detach().cpu().movedim(1, -1).unflatten(-1, (-1, self.m))
        order = (
            ranked.masked_fill(~groups, -torch.inf)
            .sort(dim=-1, descending=True, stable=True)
            .indices
        )
        best = torch.zeros(groups.shape, dtype=torch.bool).scatter_(-1, order[..., : self.n], True)
        return (best & groups).flatten(-2).movedim(-1, 1).contiguous()
