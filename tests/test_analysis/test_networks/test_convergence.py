"""Epochs to shares of the dense result."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmlth.analysis.networks.dense_shares import epochs_to_shares, first_reached, goal

VALUES = st.floats(0.01, 100)
POINTS = st.lists(st.tuples(st.integers(0, 50), VALUES), max_size=20)


def test_a_metric_by_hand():
    points = [(2, 0.30), (4, 0.44), (6, 0.40), (8, 0.47), (10, 0.48)]
    assert epochs_to_shares(points, 0.48) == {0.9: 4, 0.95: 8, 0.99: 10}
    assert epochs_to_shares(points, 0.50) == {0.9: 8, 0.95: 10, 0.99: None}


def test_a_loss_by_hand():
    """90 % of a dense loss of 0.9 are reached at 1.0."""
    points = [(1, 2.0), (2, 1.0), (3, 0.94), (4, 0.9)]
    assert epochs_to_shares(points, 0.9, True) == {0.9: 2, 0.95: 3, 0.99: 4}


def test_there_are_no_shares_of_a_result_that_is_not_positive():
    assert epochs_to_shares([(1, 0.5)], 0.0) == {0.9: None, 0.95: None, 0.99: None}
    assert goal(-1.0, 0.9) is None


@pytest.mark.parametrize('share', [0, -0.1, 1.01])
def test_a_share_is_one(share):
    with pytest.raises(ValueError, match='a share of the dense result lies in'):
        goal(1.0, share)


@given(POINTS, VALUES, st.booleans())
def test_it_is_the_first_that_is_as_good(points, value, lower):
    result = first_reached(points, value, lower)
    good = [position for position, y in points if (y <= value if lower else y >= value)]
    assert result == (sorted(good)[0] if good else None)


@given(POINTS, VALUES, st.booleans())
def test_more_takes_longer(points, dense, lower):
    result = [*epochs_to_shares(points, dense, lower, (0.5, 0.8, 0.9, 1.0)).values()]
    known = [position for position in result if position is not None]
    assert known == sorted(known)
    assert result == known + [None] * (len(result) - len(known))


@given(POINTS, VALUES)
def test_a_loss_is_a_metric_turned_over(points, dense):
    """Of the reciprocals: halving a loss is doubling its reciprocal."""
    turned = [(position, 1 / value) for position, value in points]
    shares = (0.37, 0.83)  # of floats whose rounding does not decide
    for share in shares:
        value = goal(dense, share, True)
        if any(abs(y / value - 1) < 1e-9 for _, y in points):
            continue
        assert first_reached(points, value, True) == first_reached(turned, goal(1 / dense, share))
