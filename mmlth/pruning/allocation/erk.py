"""Erdős–Rényi kernel: denser where a layer is small."""

from collections.abc import Mapping

from torch import Tensor

from mmlth.pruning.allocation.layerwise import keep_proportions
from mmlth.pruning.mask import Mask


def erk(mask: Mask, scores: Mapping[str, Tensor], keep: int) -> Mask:
    """Densities ε·(n_in + n_out + k_h + k_w) / (n_in·n_out·k_h·k_w) (Evci et al., ICML 2020).

    *Rigging the Lottery*. ε makes the total right; layers that would be more than dense are dense
    and the others share the rest. Numbers of weights are so in proportion to the sum of a weight's
    dimensions, (n_in + n_out) of a linear layer.

    Args:
        mask: The current mask; only the weights that it keeps compete.
        scores: A score for each weight, of its mask's shape.
        keep: Number of weights to keep.

    Raises:
        PruningError: If ``keep`` is out of range, or a competing score is NaN.
    """
    return keep_proportions(mask, scores, keep, sum)
