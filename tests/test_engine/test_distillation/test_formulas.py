"""The distillation losses: by hand, beside the packages' own, and what holds of all of them."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmdet.models.losses.gfocal_loss import quality_focal_loss_tensor_target
from mmpose.models.losses import KLDiscretLoss

from mmlth.engine.distillation.formulas import (
    bin_loss,
    dense_loss,
    heatmap_loss,
    joint_logits,
    region_loss,
)

HALF, QUARTER = [0.0, 0.0], [0.0, math.log(3)]
"""Logits of the probabilities (1/2, 1/2) and (1/4, 3/4)."""
KL = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
"""KL of (1/4, 3/4) from (1/2, 1/2)."""


def logits(*values):
    return torch.tensor(values, dtype=torch.float32)


def random(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3


def test_heatmaps_by_hand():
    student = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    teacher = torch.tensor([[[[1.0, 0.0], [3.0, 1.0]]]])
    assert heatmap_loss(student, teacher) == (2**2 + 3**2) / 4


def test_regions_by_hand():
    # One region of two is classified right.
    student, teacher = logits(HALF, QUARTER), logits(QUARTER, QUARTER)
    assert region_loss(student, teacher, 1.0).item() == pytest.approx(KL / 2)
    # At a temperature of 2 logits twice as large have the same probabilities.
    assert region_loss(2 * student, 2 * teacher, 2.0).item() == pytest.approx(KL / 2 * 4)
    assert region_loss(student[:0], teacher[:0], 1.0) == 0


def test_bins_by_hand():
    # Two images with a keypoint each of two bins.
    student, teacher = logits([HALF], [HALF]), logits([QUARTER], [QUARTER])
    assert bin_loss(student, teacher, 1.0).item() == pytest.approx(2 * KL / 2)
    assert bin_loss(student, teacher / 10, 1.0, beta=10.0).item() == pytest.approx(2 * KL / 2)
    assert bin_loss(student, teacher * 2, 2.0).item() == pytest.approx(2 * KL / 2 * 4)


def test_dense_classes_by_hand():
    # Teacher: 3/4 and 1/2 at one place, of which it is sure by 3/4; a student that says 1/2.
    student, teacher = logits([0.0, 0.0]), logits([math.log(3), 0.0])
    expected = 0.25**2 * math.log(2)  # divided by 1, the least number of objects
    assert dense_loss(student, teacher, 1.0, exclusive=False).item() == pytest.approx(expected)
    # Four such places, of each of which the teacher is sure by 3/4, have 9/4 objects.
    student, teacher = student.repeat(4, 1), teacher.repeat(4, 1)
    assert dense_loss(student, teacher, 1.0, exclusive=False).item() == pytest.approx(
        4 * expected / (9 / 4)
    )


def test_a_dense_softmax_of_two_is_a_sigmoid():
    """Two classes that exclude each other are separated by the difference of their logits."""
    student, teacher = random(40, 2, seed=0), random(40, 2, seed=1) + 4
    for temperature in (1.0, 2.0):
        exclusive = dense_loss(student, teacher, temperature, exclusive=True)
        one = dense_loss(
            student[:, :1] - student[:, 1:], teacher[:, :1] - teacher[:, 1:], temperature, False
        )
        torch.testing.assert_close(exclusive, one)


def test_dense_classes_are_the_quality_focal_loss_of_mmdetection():
    student, teacher = random(50, 3, seed=0), random(50, 3, seed=1)
    target = teacher.sigmoid()
    expected = quality_focal_loss_tensor_target(
        student, target, reduction='sum', avg_factor=None
    ) / target.amax(1).square().sum().clamp(min=1)
    torch.testing.assert_close(dense_loss(student, teacher, 1.0, exclusive=False), expected)


def test_bins_are_the_loss_of_mmpose_with_the_teacher_as_the_label():
    student, teacher = random(3, 4, 7, seed=0), random(3, 4, 7, seed=1)
    own = KLDiscretLoss(beta=10.0, use_target_weight=False)
    axis = (10.0 * teacher).softmax(-1)
    expected = own((student, student), (axis, axis), None) / 2
    torch.testing.assert_close(bin_loss(student, teacher, 1.0, beta=10.0), expected)


def test_background_is_not_counted_as_objects():
    """A detector has many places; that it is a little unsure of each says nothing of objects."""
    student, teacher = torch.full((100_000, 1), -4.6), torch.full((100_000, 1), -4.6)  # 1 %
    student[:50], teacher[:50] = 0.0, 3.0
    alone = dense_loss(student[:50], teacher[:50], 1.0, exclusive=False)
    among = dense_loss(student, teacher, 1.0, exclusive=False)
    torch.testing.assert_close(among, alone, rtol=0.25, atol=0)


def test_keypoints_have_the_weights_of_the_heads_own_loss():
    student, teacher = random(3, 4, 7, seed=0), random(3, 4, 7, seed=1)
    own = KLDiscretLoss(beta=10.0, use_target_weight=False, mask=[1, 2], mask_weight=0.5)
    axis = (10.0 * teacher).softmax(-1)
    expected = own((student, student), (axis, axis), None) / 2
    weights = torch.tensor([1.0, 0.5, 0.5, 1.0])
    computed = bin_loss(student, teacher, 1.0, beta=10.0, weights=weights)
    torch.testing.assert_close(computed, expected)


@given(st.floats(-30, 30), st.floats(-30, 30))
def test_joint_logits(first, second):
    joint = joint_logits(logits([first]).double(), logits([second]))
    product = 1 / ((1 + math.exp(-first)) * (1 + math.exp(-second)))
    assert joint.item() == pytest.approx(math.log(product / (1 - product)), rel=1e-4, abs=1e-3)


LOSSES = {
    'heatmaps': heatmap_loss,
    'bins': lambda s, t: bin_loss(s.flatten(2), t.flatten(2), 1.5, beta=2.0),
    'regions': lambda s, t: region_loss(s.flatten(1), t.flatten(1), 1.5),
    'sigmoid': lambda s, t: dense_loss(s.flatten(1), t.flatten(1), 1.5, exclusive=False),
    'softmax': lambda s, t: dense_loss(s.flatten(1), t.flatten(1), 1.5, exclusive=True),
}


@pytest.mark.parametrize('name', LOSSES)
@given(seed=st.integers(0, 1000))
def test_laws(name, seed):
    """None is below zero, alike is zero, and the student alone learns: towards its teacher."""
    loss, shape = LOSSES[name], (3, 2, 4, 2)
    student = random(*shape, seed=seed).requires_grad_()
    teacher = random(*shape, seed=seed + 1).requires_grad_()
    assert loss(student, student).item() == pytest.approx(0, abs=1e-6)
    far = loss(student, teacher)
    far.backward()
    assert far > 0
    assert teacher.grad is None
    nearer = loss(student - 1e-3 * student.grad / student.grad.norm(), teacher)
    assert nearer < far


@pytest.mark.parametrize('name', LOSSES)
def test_half_precision_is_computed_in_full(name):
    loss = LOSSES[name]
    student, teacher = (random(3, 2, 4, 2, seed=seed).half() for seed in (0, 1))
    torch.testing.assert_close(
        loss(student, teacher), loss(student.float(), teacher.float()), rtol=2e-3, atol=1e-4
    )
    assert loss(student, teacher).dtype == torch.float32
    large = torch.tensor([[[10_000.0, 0.0]]]).half()  # ten times that is infinite in half precision
    assert bin_loss(large, large, 1.0, beta=10.0) == 0
