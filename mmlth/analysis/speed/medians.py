"""Medians of timings, with intervals that assume nothing of how timings are distributed.

Between the order statistics x₍ₖ₎ and x₍ₙ₋ₖ₊₁₎ of n independent samples the median lies with
probability 1 − 2 P(B < k), where B counts heads in n tosses of a coin (Hahn and Meeker, Statistical
Intervals, 1991, section 5.2).
"""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

LEVEL = 0.95
"""The least probability with which an interval holds the median."""


class Median(NamedTuple):
    """A median, and the interval that it lies in.

    Attributes:
        value: The median of the samples.
        low: The lower end of the interval; None of fewer than six samples, which give none.
        high: The upper end.
    """

    value: float
    low: float | None
    high: float | None


def median(samples: Sequence[float]) -> Median:
    """The median of samples and its interval at `LEVEL`, the narrowest that is symmetric in rank.

    Args:
        samples: One or more.

    Example:
        >>> median([3.0, 1.0, 2.0, 6.0, 5.0, 4.0])
        Median(value=3.5, low=1.0, high=6.0)
    """
    ordered, count = sorted(samples), len(samples)
    tail = rank = 0
    # The rank grows while so many tosses or fewer are heads in at most half of 1 − LEVEL.
    while tail + math.comb(count, rank) <= (1 - LEVEL) / 2 * 2**count:
        tail += math.comb(count, rank)
        rank += 1
    value = statistics.median(ordered)
    if rank == 0:
        return Median(value, None, None)
    return Median(value, ordered[rank - 1], ordered[count - rank])


def speed_up(slower: Sequence[float], faster: Sequence[float]) -> Median:
    """How many times faster one contender is than another: of the ratios of each round.

    What disturbs the machine for a while disturbs both, so that ratios vary less than timings.

    Args:
        slower: The timings of the other.
        faster: Its own, of the same rounds.
    """
    return median([other / own for other, own in zip(slower, faster)])
