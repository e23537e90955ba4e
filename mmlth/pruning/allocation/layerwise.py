"""The highest scores of each layer, as many as that layer is given."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from torch import Tensor

from mmlth.pruning.allocation.proportions import share_out
from mmlth.pruning.allocation.ranking import global_allocation
from mmlth.pruning.errors import PruningError
from mmlth.pruning.mask import Mask


def keep_counts(mask: Mask, scores: Mapping[str, Tensor], counts: Mapping[str, int]) -> Mask:
    """Keeps the ``counts`` highest scores of each layer; ties go to earlier positions.

    Args:
        mask: The current mask; only the weights that it keeps compete.
        scores: A score for each weight, of its mask's shape.
        counts: For each layer the number of weights to keep.

    Raises:
        PruningError: If a layer has fewer weights left, or a competing score is NaN.
    """
    kept: dict[str, Tensor] = {}
    for name, tensor in mask.items():
        kept.update(global_allocation(Mask({name: tensor}), scores, counts[name]))
    return Mask(kept)


def keep_proportions(
    mask: Mask,
    scores: Mapping[str, Tensor],
    keep: int,
    weight: Callable[[Sequence[int]], int | Fraction],
) -> Mask:
    """Gives each layer a number of weights in proportion to ``weight``, a function of its shape.

    A layer that has fewer left keeps them all, and the others share the rest.

    Args:
        mask: The current mask; only the weights that it keeps compete.
        scores: A score for each weight, of its mask's shape.
        keep: Number of weights to keep.
        weight: Gives the part of a layer in the proportion by its shape, not negative.

    Raises:
        PruningError: If ``keep`` is out of range, or a competing score is NaN.
    """
    if not 0 <= keep <= mask.kept:
        raise PruningError(f'cannot keep {keep} weights of the {mask.kept} that the mask keeps')
    left = [int(tensor.count_nonzero()) for tensor in mask.values()]
    counts = share_out(keep, [weight(tensor.shape) for tensor in mask.values()], left)
    return keep_counts(mask, scores, dict(zip(mask, counts)))
