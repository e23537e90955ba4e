"""The line between two networks, by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmlth.analysis.networks.connectivity import Connection, connect, interpolate

A = {'w': torch.tensor([0.0, 4.0]), 'bn.running_var': torch.tensor([1.0]), 'bn.n': torch.tensor(10)}
B = {'w': torch.tensor([8.0, 0.0]), 'bn.running_var': torch.tensor([3.0]), 'bn.n': torch.tensor(20)}


def test_by_hand():
    result = interpolate(A, B, 0.25)
    assert result['w'].tolist() == [2, 3]
    assert result['bn.running_var'].tolist() == [1.5]
    assert [int(interpolate(A, B, t)['bn.n']) for t in (0, 0.4, 0.5, 1)] == [10, 10, 20, 20]
    assert result['bn.n'].dtype == torch.int64
    assert list(result) == list(A)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_ends_are_the_networks_bit_for_bit(dtype):
    generator = torch.Generator().manual_seed(0)
    ends = [{'w': torch.randn(999, generator=generator).to(dtype) * 10.0**p} for p in (-3, 3)]
    for t in (0, 1):
        result = interpolate(*ends, t)
        assert torch.equal(result['w'], ends[t]['w'])
        result['w'].zero_()
        assert ends[t]['w'].any()  # it is a copy
    assert interpolate(*ends, 0.5)['w'].dtype == dtype


def test_an_end_is_itself_whatever_the_other_is():
    ends = [{'w': torch.tensor([1.0])}, {'w': torch.tensor([float('inf')])}]
    assert interpolate(*ends, 0)['w'].tolist() == [1]


@given(st.floats(0, 1))
def test_pruned_by_both_stays_pruned(t):
    ends = [{'w': torch.tensor([0.0, x, 0.0])} for x in (1.0, -2.0)]
    assert interpolate(*ends, t)['w'][[0, 2]].tolist() == [0, 0]


@pytest.mark.parametrize(
    ('other', 'message'),
    [
        ({'w': A['w']}, r'only one of the networks has bn\.running_var, bn\.n'),
        ({**A, 'more': A['w']}, 'only one of the networks has more'),
        ({**A, 'w': torch.zeros(3)}, 'differ in the shape of w'),
    ],
)
def test_networks_of_different_models(other, message):
    with pytest.raises(ValueError, match=message):
        interpolate(A, other, 0.5)


def test_a_place_off_the_line():
    with pytest.raises(ValueError, match=r'between 0 and 1, got 1\.5'):
        interpolate(A, B, 1.5)


def test_the_height_of_a_barrier_by_hand():
    result = Connection((0, 0.25, 0.5, 1), {'mAP': (0.4, 0.32, 0.3, 0.6), 'loss': (1, 1, 4, 3)})
    assert result.baseline('mAP') == pytest.approx((0.4, 0.45, 0.5, 0.6))
    assert result.drops('mAP') == pytest.approx((0, 0.13, 0.2, 0))
    assert result.barrier('mAP') == (pytest.approx(0.2), 0.5)
    assert result.drops('loss') == pytest.approx(
        (0, -0.5, 2, 0)
    )  # a loss is worse where it is higher
    assert result.barrier('loss') == (2, 0.5)


@pytest.mark.parametrize('metric', ['NME', 'coco/NME', 'EPE', 'val/loss_cls', 'MPJPE'])
def test_metrics_of_errors(metric):
    assert Connection((0, 0.5, 1), {metric: (1, 2, 1)}).barrier(metric) == (1, 0.5)


def test_a_better_middle_is_no_barrier():
    assert Connection((0, 0.5, 1), {'AP': (0.4, 0.5, 0.4)}).barrier('AP') == (0, 0)


def test_what_was_not_measured():
    result = Connection((0, 0.5, 1), {'AP': (0.4, None, 0.4), 'AR': (None, 0.1, 0.2)})
    assert result.barrier('AP') == (0, 0)
    assert result.barrier('AR') is None


def test_connect_goes_along_the_line():
    told = []
    result = connect(A, B, lambda s: {'sum': float(s['w'].sum())}, 5, lambda *e: told.append(e))
    assert result.points == (0, 0.25, 0.5, 0.75, 1)
    assert result.metrics == {'sum': (4, 5, 6, 7, 8)}
    assert told[1] == (0.25, {'sum': 5})
    with pytest.raises(ValueError, match='2 points or more, got 1'):
        connect(A, B, lambda s: {}, 1)
