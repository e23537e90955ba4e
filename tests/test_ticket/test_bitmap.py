"""Masks of chunks, as bits and as gaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmlth.ticket.bitmap import decode_mask, encode_mask
from mmlth.ticket.frames import describe


def returned(kept):
    frame, gaps = encode_mask(kept)
    again, positions = decode_mask(memoryview(frame), describe(frame), gaps, len(kept))
    assert again.dtype == bool
    assert again.tolist() == kept.tolist()
    assert positions.tolist() == np.flatnonzero(kept).tolist()
    return gaps


@given(arrays(bool, st.integers(0, 300)))
def test_any_mask_returns(kept):
    returned(kept)


@given(st.sets(st.integers(0, 2999), max_size=9), st.integers(0, 700))
def test_long_gaps_return(positions, more):
    """Gaps of 254, 255, 256 and 510 are where a jump begins."""
    kept = np.zeros(3000 + more, bool)
    kept[sorted(positions)] = True
    returned(kept)


@pytest.mark.parametrize('gap', [253, 254, 255, 256, 509, 510, 511])
def test_a_gap_at_a_jump(gap):
    kept = np.zeros(gap + 1, bool)
    kept[gap] = True
    returned(kept)


@pytest.mark.parametrize(('density', 'gaps'), [(0.01, True), (0.2, True), (0.7, False), (1, False)])
def test_sparse_masks_are_told_by_gaps(density, gaps):
    assert returned(np.random.default_rng(0).random(50_000) < density) == gaps
