"""What an allocation is."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from mmlth.pruning.mask import Mask


class Allocation(Protocol):
    """Spreads a number of weights to keep over the layers.

    An allocation that says by itself how many weights are left in the end has a method
    ``kept(sizes)``, of each layer's number of weights by name. One that divides the number among
    parts of the network, by another allocation within each, has a method ``with_inner(change)``,
    which gives the same allocation with a changed inner one.
    """

    def __call__(self, mask: Mask, scores: Mapping[str, Tensor], keep: int, /) -> Mask:
        """Chooses the weights to keep.

        Args:
            mask: The current mask, on the CPU; only the weights that it keeps compete.
            scores: For each name in ``mask`` a tensor of its shape, of any floating or integer
                dtype and on any device. The higher score is kept; of equal ones the earlier.
            keep: Number of weights to keep, from 0 to ``mask.kept``.

        Returns:
            A mask of the same names in the same order, a subset of ``mask``, which keeps exactly
            ``keep`` weights.

        Raises:
            PruningError: If ``keep`` is out of range, or the scores cannot be used: a competing
                one is NaN, say.
        """
