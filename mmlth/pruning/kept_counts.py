"""How many weights each round keeps, or each step of one."""

import itertools
import math
from collections.abc import Sequence

from mmlth.pruning.errors import PruningError

SMALLEST_ROUND = 0.1
"""Of what a ``rate`` prunes a round: a last round of less is merged into the one before."""


def kept_per_round(
    total: int, target_sparsity: float, rounds: int | None = None, rate: float | None = None
) -> list[int]:
    """Exact number of weights kept in rounds 0 … N, round 0 being the dense model.

    With ``rounds`` = N the density falls geometrically, as in Girish et al. (CVPR 2021):
    round r keeps ``(1 - target_sparsity) ** (r / N)``. With ``rate`` every round removes that
    share of the remaining weights, as in Chen et al. (CVPR 2021, 20 %), until the target is
    reached; the last round stops at the target exactly. Where less than a tenth of its share would
    be left for it, it is no round of its own: the one before goes on to the target.

    Args:
        total: Number of prunable weights.
        target_sparsity: Share to remove after the last round, in (0, 1).
        rounds: Number N of pruning rounds.
        rate: Share of the remaining weights pruned a round, in (0, 1).

    Returns:
        N + 1 integers, strictly decreasing unless ``total`` is tiny.

    Raises:
        PruningError: If a number is out of range, or not exactly one of ``rounds`` and ``rate``
            is given.
    """
    if not 0 < target_sparsity < 1:
        raise PruningError(
            f'target_sparsity must lie between 0 and 1 (excluded), got {target_sparsity}'
        )
    if (rounds is None) == (rate is None):
        raise PruningError(f'give either rounds or rate, got rounds={rounds} and rate={rate}')
    target = total - round(total * target_sparsity)
    if rounds is not None:
        if rounds < 1:
            raise PruningError(f'rounds must be at least 1, got {rounds}')
        inner = [round(total * (1 - target_sparsity) ** (r / rounds)) for r in range(1, rounds)]
        return [total, *(max(kept, target) for kept in inner), target]
    if rate is None or not 0 < rate < 1:
        raise PruningError(f'rate must lie between 0 and 1 (excluded), got {rate}')
    count = math.ceil(math.log(1 - target_sparsity) / math.log(1 - rate))
    schedule = [total, *(round(total * (1 - rate) ** r) for r in range(1, count))]
    while len(schedule) > 1 and schedule[-1] - target < SMALLEST_ROUND * rate * schedule[-1]:
        schedule.pop()
    return [*schedule, target]


def kept_at(total: int, sparsities: Sequence[float]) -> list[int]:
    """Exact number of weights kept in rounds 0 … N, by the sparsity after each round.

    Args:
        total: Number of prunable weights.
        sparsities: Shares removed after rounds 1 … N, in (0, 1), each more than the one before.

    Returns:
        N + 1 integers, round 0 being the dense model.

    Raises:
        PruningError: If there are none, or they do not rise, or one is out of range.
    """
    rising = [0.0, *sparsities, 1.0]
    if not sparsities or any(before >= after for before, after in itertools.pairwise(rising)):
        raise PruningError(
            'sparsities must rise from round to round and lie between 0 and 1 (excluded), got '
            f'{list(sparsities)}'
        )
    return [total, *(total - round(total * sparsity) for sparsity in sparsities)]


def geometric_steps(kept: int, keep: int, steps: int) -> list[int]:
    """Numbers of weights to keep in so many steps, over which the density falls geometrically.

    Args:
        kept: Number of weights before the first step.
        keep: Number of weights after the last step.
        steps: Number of steps, at least 1.

    Example:
        >>> geometric_steps(1000, 10, 2)
        [100, 10]
    """
    ratio = max(keep, 1) / max(kept, 1)
    inner = [round(kept * ratio ** (step / steps)) for step in range(1, steps)]
    return [*(max(count, keep) for count in inner), keep]
