"""How a budget of weights is spread over the layers."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from mmlth.pruning.mask import Mask

Allocation = Callable[[Mask, Mapping[str, Tensor], int], Mask]


def global_allocation(mask: Mask, scores: Mapping[str, Tensor], keep: int) -> Mask:
    """Keeps the ``keep`` highest scores over all layers together.

    The count is exact. Where scores tie at the threshold, earlier positions are kept: by order
    of the parameters in ``mask``, then by flattened index.

    Args:
        mask: The current mask; only the weights that it keeps compete.
        scores: A score for each weight, of its mask's shape.
        keep: Number of weights to keep, at most ``mask.kept``.

    Raises:
        ValueError: If ``keep`` is out of range, or a competing score is NaN.
    """
    if not 0 <= keep <= mask.kept:
        raise ValueError(f'cannot keep {keep} weights of the {mask.kept} that the mask keeps')
    competing = torch.cat([scores[name].cpu()[kept] for name, kept in mask.items()])
    drop = competing.numel() - keep
    if drop == 0:
        return mask
    threshold = _smallest(competing, drop)
    del competing

    ties = {name: (scores[name].cpu() == threshold) & kept for name, kept in mask.items()}
    above = {name: (scores[name].cpu() > threshold) & kept for name, kept in mask.items()}
    room = keep - sum(int(tensor.sum()) for tensor in above.values())
    for name, tied in ties.items():
        positions = tied.view(-1).nonzero().view(-1)[:room]
        above[name].view(-1)[positions] = True
        room -= positions.numel()
    return Mask(above)


def _smallest(values: Tensor, k: int) -> Tensor:
    """The ``k``-th smallest value (1-based), by selection rather than by sorting."""
    if bool(values.isnan().any()):
        raise ValueError('a score is NaN: the training that it comes from has diverged')
    return values.kthvalue(k).values
