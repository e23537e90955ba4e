"""LAMP: all layers together, by what a weight is among the larger ones of its layer."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mmlth.pruning.allocation.ranking import global_allocation
from mmlth.pruning.errors import PruningError
from mmlth.pruning.mask import Mask


def lamp(mask: Mask, scores: Mapping[str, Tensor], keep: int) -> Mask:
    """Ranks by s² / Σ t² over all t ≥ s of the same layer (Lee et al., ICLR 2021).

    *Layer-adaptive Sparsity for the Magnitude-based Pruning*. With magnitudes as scores s this is
    the paper's; the best weight of each layer has the rank 1, so no layer loses all.

    Args:
        mask: The current mask; only the weights that it keeps compete.
        scores: A score for each weight, of its mask's shape; none of them negative.
        keep: Number of weights to keep.

    Raises:
        PruningError: If ``keep`` is out of range, or a competing score is negative or NaN.
    """
    return global_allocation(
        mask, {name: _ranks(name, scores[name], mask[name]) for name in mask}, keep
    )


def _ranks(name: str, scores: Tensor, kept: Tensor) -> Tensor:
    """LAMP's scores, float64, of the layer's shape; −1 where the weight is pruned."""
    ranks = torch.full((kept.numel(),), -1.0, dtype=torch.float64)
    places = kept.reshape(-1).nonzero().view(-1)
    own = scores.detach().to('cpu', torch.float64).reshape(-1)[places]
    if bool((own < 0).any()):
        raise PruningError(
            f'lamp squares scores, so they must not be negative, as one of {name!r} is; take '
            'another score, or another allocation'
        )
    # Stable: of equal scores the earlier one has the higher rank, and so stays.
    ordered, order = (own / own.amax().clamp_min(1e-300) if len(own) else own).sort(
        descending=True, stable=True
    )
    squares = ordered.square()
    ranks[places[order]] = squares / squares.cumsum(0).clamp_min(1e-300)
    return ranks.view(kept.shape)
