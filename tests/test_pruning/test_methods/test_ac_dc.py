"""AC/DC: when phases begin, and what is sparse in them."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmlth.pruning import Mask, PruningError, prune
from mmlth.pruning.methods import ACDC, Length, Moment


def masks(method, length, keep=2):
    weights = {'a': torch.arange(10.0)}
    mask, seen = Mask.dense(weights), {}
    for done in sorted(method.updates(length)):
        mask = method.update(Moment(done, length, weights, mask, keep, 10, by_magnitude))
        seen[done] = mask
    return seen


def by_magnitude(weights, mask, keep):
    return prune(weights, mask, keep=keep)


def test_the_phases_of_the_paper():
    seen = masks(ACDC(), Length(100))
    sparse = [done for done, mask in seen.items() if mask.kept == 2]
    dense = [done for done, mask in seen.items() if mask.kept == 10]
    assert sparse == [10, 20, 30, 40, 50, 60, 70, 85]
    assert dense == [0, 15, 25, 35, 45, 55, 65, 75]


def test_each_sparse_phase_draws_from_all_weights():
    method, length = ACDC(), Length(100)
    first = {'a': torch.tensor([3.0, 2.0, 1.0])}
    mask = method.update(Moment(10, length, first, Mask.dense(first), 1, 3, by_magnitude))
    assert mask['a'].tolist() == [True, False, False]
    later = {'a': torch.tensor([1.0, 2.0, 3.0])}
    mask = method.update(Moment(20, length, later, mask, 1, 3, by_magnitude))
    assert mask['a'].tolist() == [False, False, True]


@settings(deadline=None)
@given(
    begin=st.integers(1, 40),
    phase=st.integers(1, 20),
    rest=st.integers(0, 60),
    after=st.integers(0, 9),
)
def test_phases_take_turns_and_the_last_is_sparse(begin, phase, rest, after):
    end = begin + rest
    seen = masks(ACDC(begin, phase, end), Length(end + after + 1))
    kept = [mask.kept for done, mask in seen.items() if done >= begin]
    assert kept[-1] == 2
    assert kept == [2 if i % 2 == 0 else 10 for i in range(len(kept))]
    starts = [done for done in seen if done >= begin]
    assert starts[-1] == end
    assert all(b - a == phase for a, b in pairwise(starts[:-1]))
    assert len(starts) == 1 or end - starts[-2] >= phase


def test_steps_out_of_order():
    with pytest.raises(PruningError, match='begin comes too late: of 10 iterations, begin=9'):
        ACDC(begin=9, end=5).updates(Length(10))
