"""Distances of weights by hand, and what holds of them."""

import math

import pytest
import torch

from mmlth.analysis.networks.stability import overall, weight_distances

MASK = {'a': torch.tensor([True, True, False]), 'b': torch.tensor([[True], [False]])}
DENSE = {'a': torch.tensor([3.0, 0.0, 100.0]), 'b': torch.tensor([[1.0], [7.0]])}
SPARSE = {'a': torch.tensor([0.0, 4.0, 0.0]), 'b': torch.tensor([[2.0], [0.0]])}


def test_stability_to_pruning_by_hand():
    a, b = weight_distances(DENSE, SPARSE, MASK)
    assert (a.name, a.weights, a.l2, a.angle) == ('a', 2, 5, 90)
    assert (b.name, b.weights, b.l2, b.angle) == ('b', 1, 1, 0)
    total = overall([a, b])
    # (3, 0, 1) and (0, 4, 2): what the mask removes is no part of it.
    assert (total.weights, total.l2) == (3, math.sqrt(9 + 16 + 1))
    assert total.angle == pytest.approx(math.degrees(math.acos(2 / math.sqrt(10 * 20))))


def test_the_angle_from_where_both_started():
    start = {'a': torch.tensor([0.0, 0.0, 5.0]), 'b': torch.tensor([[1.5], [0.0]])}
    a, b = weight_distances(DENSE, SPARSE, MASK, start)
    assert (a.l2, a.angle, b.l2, b.angle) == (5, 90, 1, 180)


def test_a_network_and_itself():
    weights = {'w': torch.randn(1000, generator=torch.Generator().manual_seed(0)).half()}
    (result,) = weight_distances(weights, weights, {'w': torch.ones(1000, dtype=torch.bool)})
    assert result.l2 == 0
    assert result.angle == pytest.approx(0, abs=1e-5)


def test_nothing_has_no_angle():
    none = {'a': torch.zeros(3, dtype=torch.bool)}
    (result,) = weight_distances(DENSE, SPARSE, none)
    assert (result.weights, result.l2, result.angle) == (0, 0, None)
    assert overall([]).angle is None


@pytest.mark.parametrize(
    ('which', 'message'), [(0, 'the first network'), (1, 'the second'), (2, 'the origin network')]
)
def test_networks_of_other_models(which, message):
    states = [DENSE, SPARSE, DENSE]
    states[which] = {'a': torch.zeros(3)}
    with pytest.raises(ValueError, match=f"mask of 'b'.*{message}.*no such weight"):
        weight_distances(states[0], states[1], MASK, states[2])
