"""All layers together, by exact and fast selection."""

import functools
import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from mmlth.pruning.errors import PruningError
from mmlth.pruning.mask import Mask

_Bound = Tensor | float

_SAMPLE = 2**17
_CHUNK = 2**18  # big enough to keep threads busy, small enough that nothing of full size is copied


def global_allocation(mask: Mask, scores: Mapping[str, Tensor], keep: int) -> Mask:
    """Keeps the ``keep`` highest scores over all layers together.

    The count is exact. Where scores tie at the threshold, earlier positions are kept: by order
    of the parameters in ``mask``, then by flattened index.

    Args:
        mask: The current mask; only the weights that it keeps compete.
        scores: A score for each weight, of its mask's shape.
        keep: Number of weights to keep, at most ``mask.kept``.

    Raises:
        PruningError: If ``keep`` is out of range, or a competing score is NaN.
    """
    if not 0 <= keep <= mask.kept:
        raise PruningError(f'cannot keep {keep} weights of the {mask.kept} that the mask keeps')
    drop = mask.kept - keep
    if drop == 0:
        return mask
    # One dtype for all: a threshold rounded to a layer's half precision would miscount.
    dtype = functools.reduce(torch.promote_types, (scores[name].dtype for name in mask))
    scores = {name: scores[name].to('cpu', dtype).contiguous() for name in mask}
    threshold = _smallest(scores, mask, drop)

    kept = {name: (scores[name] > threshold).logical_and_(mask[name]) for name in mask}
    room = keep - sum(int(tensor.count_nonzero()) for tensor in kept.values())
    for name in mask:
        if room == 0:
            break
        ties = (scores[name] == threshold).logical_and_(mask[name])
        positions = ties.view(-1).nonzero().view(-1)[:room]
        kept[name].view(-1)[positions] = True
        room -= positions.numel()
    return Mask(kept)


def _smallest(scores: Mapping[str, Tensor], mask: Mask, k: int) -> Tensor:
    """The ``k``-th smallest competing score (1-based).

    A sample brackets it, one pass gathers what lies between, and only that is selected from:
    several times faster than selecting from all scores, and without a copy of them.
    """
    for low, high in (_bracket(scores, mask, k), (-math.inf, math.inf)):
        below, between = _between(scores, mask, low, high)
        if below < k <= below + between.numel():
            break  # else the sample was misleading, and the second round takes all scores
    return between.kthvalue(k - below).values


def _bracket(scores: Mapping[str, Tensor], mask: Mask, k: int) -> tuple[_Bound, _Bound]:
    """Two scores between which the ``k``-th smallest competing one all but surely lies."""
    generator = torch.Generator().manual_seed(0)
    samples = []
    for name, kept in mask.items():
        count = math.ceil(kept.numel() * _SAMPLE / mask.total)
        places = torch.randint(max(kept.numel(), 1), (count,), generator=generator)
        samples.append(scores[name].view(-1)[places][kept.reshape(-1)[places]])
    sample = torch.cat(samples).sort().values
    if mask.kept <= _SAMPLE or not len(sample):
        return -math.inf, math.inf
    rank = k / mask.kept * len(sample)
    margin = 4 * math.sqrt(len(sample))  # eight standard deviations or more
    low, high = int(rank - margin), int(rank + margin)
    return (
        sample[low] if low >= 0 else -math.inf,
        sample[high] if high < len(sample) else math.inf,
    )


def _between(
    scores: Mapping[str, Tensor], mask: Mask, low: _Bound, high: _Bound
) -> tuple[int, Tensor]:
    """How many competing scores are less than ``low``, and those from ``low`` to ``high``.

    Raises:
        PruningError: If a competing score is NaN.
    """
    below = mask.kept
    between = []
    for score, kept in _chunks(scores, mask):
        if bool(score.sum().isnan()) and bool(score[kept].isnan().any()):
            raise PruningError('a score is NaN: the training that it comes from has diverged')
        reached = (score >= low).logical_and_(kept)
        below -= int(reached.count_nonzero())
        between.append(score[reached.logical_and_(score <= high)])
    return below, torch.cat(between)


def _chunks(scores: Mapping[str, Tensor], mask: Mask) -> Iterator[tuple[Tensor, Tensor]]:
    for name, kept in mask.items():
        yield from zip(scores[name].view(-1).split(_CHUNK), kept.reshape(-1).split(_CHUNK))
