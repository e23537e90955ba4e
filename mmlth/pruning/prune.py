"""One pruning step: from trained weights and a mask to the next mask."""

from collections.abc import Mapping

from torch import Tensor

from mmlth.pruning.allocation import Allocation, global_allocation
from mmlth.pruning.mask import Mask
from mmlth.pruning.scores import Score, magnitude


def prune(
    weights: Mapping[str, Tensor],
    mask: Mask | None = None,
    *,
    keep: int | None = None,
    sparsity: float | None = None,
    score: Score = magnitude,
    allocation: Allocation = global_allocation,
) -> Mask:
    """Draws a new mask, a subset of ``mask``, from trained weights.

    Args:
        weights: Trained weights by parameter name; those that ``mask`` does not name are ignored.
        mask: The current mask; by default one that keeps every weight of ``weights``.
        keep: Number of weights to keep, or
        sparsity: the share of all prunable weights to have removed, in [0, 1].
        score: Ranks the weights.
        allocation: Spreads the budget over the layers.

    Returns:
        The new mask; ``mask`` and ``weights`` are unchanged.

    Raises:
        ValueError: If not exactly one of ``keep`` and ``sparsity`` is given, if more is asked for
            than the mask keeps, if a weight is missing or of another shape, or if it is NaN.

    Example:
        >>> import torch
        >>> prune({'w': torch.tensor([3.0, -1.0, 2.0, 1.0])}, keep=3)['w'].tolist()
        [True, True, True, False]
    """
    if (keep is None) == (sparsity is None):
        raise ValueError(f'give either keep or sparsity, got keep={keep} and sparsity={sparsity}')
    mask = Mask.dense(weights) if mask is None else mask
    for name, kept in mask.items():
        if name not in weights:
            raise ValueError(f'the mask names {name!r}, which the weights lack')
        if weights[name].shape != kept.shape:
            raise ValueError(
                f'the mask of {name!r} has shape {tuple(kept.shape)}, '
                f'the weight {tuple(weights[name].shape)}'
            )
    if sparsity is not None:
        keep = mask.total - round(mask.total * sparsity)
    competing = {name: weights[name] for name in mask}
    return allocation(mask, score(competing), int(keep or 0))
