"""Weight by weight."""

from collections.abc import Mapping

from torch import Tensor

from mmlth.pruning.allocation import Allocation, least_kept, with_floor
from mmlth.pruning.mask import Mask


def unstructured(
    mask: Mask, scores: Mapping[str, Tensor], keep: int, allocation: Allocation, floor: float
) -> Mask:
    """Any weight may go on its own, so that exactly ``keep`` are left.

    Args:
        mask: The current mask; only the weights that it keeps compete.
        scores: A score for each weight, of its mask's shape.
        keep: Number of weights to keep.
        allocation: Spreads that number over the layers.
        floor: The smallest share of a layer to keep, in [0, 1); see `least_kept`.

    Raises:
        PruningError: If the floor is out of range or impossible, or by ``allocation``.
    """
    return with_floor(allocation, least_kept(mask, floor) if floor else {})(mask, scores, keep)
