"""Intervals hold the median as often as they say, whatever the distribution is."""

import itertools
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmlth.analysis.speed import median, speed_up

RANKS = {6: 1, 8: 1, 9: 2, 12: 3, 15: 4, 20: 6, 25: 8, 30: 10}
"""The rank of the lower end by the number of samples, as tables of order statistics give it."""


def ends(count):
    """The ranks of both ends, counted from 1."""
    value = median(list(range(1, count + 1)))
    return value.low, value.high


@pytest.mark.parametrize('count', RANKS)
def test_ranks_are_those_of_the_tables(count):
    assert ends(count) == (RANKS[count], count + 1 - RANKS[count])


@pytest.mark.parametrize('count', range(6, 13))
def test_the_interval_is_the_narrowest_that_holds_the_median_with_95_per_cent(count):
    """Each sample is below the median or above it, like a coin: all cases are counted."""

    def coverage(low, high):
        # The median lies between them if at least `low` samples are below, fewer than `high`.
        tosses = itertools.product((0, 1), repeat=count)
        return sum(low <= sum(below) < high for below in tosses) / 2**count

    low, high = ends(count)
    assert coverage(low, high) >= 0.95
    assert coverage(low + 1, high - 1) < 0.95


def test_few_samples_have_no_interval():
    assert median([2.0, 1.0, 4.0]) == (2.0, None, None)
    assert median([1.0, 2.0, 3.0, 4.0, 5.0])[1:] == (None, None)


numbers = st.floats(0.1, 1e3)


@given(st.lists(numbers, min_size=6, max_size=40), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_a_monotone_scale_moves_ends_along(samples, random):
    shuffled = random.sample(samples, len(samples))
    assert median(shuffled) == median(samples)
    value, low, high = median(samples)
    assert value == statistics.median(samples)
    assert low <= value <= high
    assert median([8 * each for each in samples]) == (8 * value, 8 * low, 8 * high)


def test_speed_ups_are_of_the_same_round():
    own, other = [1.0, 10.0, 2.0], [2.0, 30.0, 8.0]
    assert speed_up(other, own).value == 3.0
    assert statistics.median(other) / statistics.median(own) == 4.0
