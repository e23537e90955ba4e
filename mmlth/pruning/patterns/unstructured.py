"""Weight by weight."""

from collections.abc import Mapping

from torch import Tensor

from mmlth.pruning.allocation import Allocation, least_kept, with_floor
from mmlth.pruning.mask import Mask


def unstructured(
    mask: Mask, scores: Mapping[str, Tensor], keep: int, allocation: Allocation, floor: float
) -> Mask:
    """Any weight may go on its own; exactly ``keep`` are left. For the arguments see `Pattern`.

    Raises:
        ValueError: If the floor is out of range or impossible, or by ``allocation``.
    """
    return with_floor(allocation, least_kept(mask, floor) if floor else {})(mask, scores, keep)
