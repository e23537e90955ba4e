"""The same density in each layer."""

import math
from collections.abc import Mapping

from torch import Tensor

from mmlth.pruning.allocation.layerwise import keep_proportions
from mmlth.pruning.mask import Mask


def uniform(mask: Mask, scores: Mapping[str, Tensor], keep: int) -> Mask:
    """Prunes each layer to the same density, as layer-wise pruning of Girish et al. (CVPR 2021).

    A layer that is sparser already stays as it is, and the others share what that leaves.

    Args:
        mask: The current mask; only the weights that it keeps compete.
        scores: A score for each weight, of its mask's shape.
        keep: Number of weights to keep.

    Raises:
        PruningError: If ``keep`` is out of range, or a competing score is NaN.
    """
    return keep_proportions(mask, scores, keep, math.prod)
