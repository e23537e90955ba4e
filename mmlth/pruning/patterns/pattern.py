"""What a pattern is."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from mmlth.pruning.allocation import Allocation
from mmlth.pruning.mask import Mask


class Pattern(Protocol):
    """Draws a mask in which weights are removed in some shape.

    A pattern that some weights cannot follow has a method ``fits(shape)``; one that cannot be met
    at a low sparsity has an attribute ``least_sparsity``. One whose units must not reach from one
    group of a convolution into the next has a method ``with_groups(groups)``, of numbers of groups
    by name, which gives the pattern to call.
    """

    def __call__(
        self,
        mask: Mask,
        scores: Mapping[str, Tensor],
        keep: int,
        allocation: Allocation,
        floor: float,
        /,
    ) -> Mask:
        """Draws the mask.

        Tensors have their output channels in dimension 0 and their input channels in dimension 1;
        those of transposed convolutions are turned round before (see `outward`).

        Args:
            mask: The current mask, on the CPU; only the weights that it keeps compete.
            scores: For each name in ``mask`` a tensor of its shape, of any floating or integer
                dtype and on any device. The higher score is kept; of equal ones the earlier.
            keep: The largest number of weights to keep, from 0 to ``mask.kept``.
            allocation: Spreads a number of weights over the layers.
            floor: The smallest share of a layer to keep, in [0, 1); see `least_kept`.

        Returns:
            A mask of the same names in the same order, a subset of ``mask``, which keeps ``keep``
            weights, or fewer where only whole units of several weights can go.

        Raises:
            PruningError: If a weight does not fit, the floor is out of range or impossible, or by
                ``allocation``.
        """
