"""Averaged copies in a model: found, pruned where their originals are, no weights of their own."""

import copy

import pytest
import torch
from mmengine.model import ExponentialMovingAverage
from torch import nn
from torch.optim.swa_utils import AveragedModel

from mmlth.pruning import (
    Mask,
    attach_mask,
    attached_mask,
    averaged_copies,
    count_parameters,
    find_targets,
    revived,
)


class Contrast(nn.Module):
    """As MoCo: the average of a container that the model makes for it alone."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.BatchNorm2d(4))
        self.neck = nn.Linear(4, 2)
        self.other = nn.Linear(4, 2)  # of the neck's class and shape, but later
        self.slow = ExponentialMovingAverage(nn.Sequential(self.backbone, self.neck), 0.25)

    def forward(self, images):
        features = self.backbone(images).mean((2, 3))
        return self.other(features) + self.neck(features)

    def follow(self):
        self.slow.update_parameters(nn.Sequential(self.backbone, self.neck))


class Alike(nn.Linear):
    pass


class SemiBaseDetector(nn.Module):
    def __init__(self, teacher: nn.Module) -> None:
        super().__init__()
        self.student = nn.Sequential(nn.Linear(4, 2))
        self.teacher = teacher


ORIGINALS = {
    'slow.module.0.0.weight': 'backbone.0.weight',
    'slow.module.0.1.weight': 'backbone.1.weight',
    'slow.module.0.1.bias': 'backbone.1.bias',
    'slow.module.1.weight': 'neck.weight',
    'slow.module.1.bias': 'neck.bias',
}
# The first two columns of each row are pruned.
MASK = {
    'backbone.0.weight': torch.tensor([[0, 0, 1]] * 4).bool()[:, :, None, None],
    'neck.weight': torch.tensor([[0, 0, 1, 1]] * 2).bool(),
}


def test_originals_are_found_part_by_part():
    assert averaged_copies(Contrast()) == ORIGINALS


def test_originals_of_masked_models_are_found():
    model = Contrast()
    attach_mask(model.neck, {'weight': MASK['neck.weight']})  # alone, so of another class now
    assert averaged_copies(model) == ORIGINALS
    attach_mask(model, MASK)
    assert averaged_copies(model) == ORIGINALS


@pytest.mark.parametrize('average', [lambda m: ExponentialMovingAverage(m, 0.1), AveragedModel])
def test_parts_that_are_alike_are_told_apart_by_their_order(average):
    model = nn.Module()
    model.first, model.second = nn.Linear(2, 2), nn.Linear(2, 2)
    model.average = average(nn.ModuleList([model.first, model.second]))
    weights = {k: v for k, v in averaged_copies(model).items() if 'weight' in k}
    assert weights == {
        'average.module.0.weight': 'first.weight',
        'average.module.1.weight': 'second.weight',
    }


def test_a_container_of_the_model_is_the_original_as_a_whole():
    model = nn.Module()
    model.first = nn.Linear(2, 2)  # as each of the stages
    model.stages = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model.average = ExponentialMovingAverage(model.stages, 0.1)
    result = averaged_copies(model)
    assert result['average.module.1.weight'] == 'stages.1.weight'
    assert len(result) == 4


def test_the_original_is_of_the_class_of_its_copy():
    model = nn.Module()
    model.first, model.second = Alike(2, 2), nn.Linear(2, 2)
    model.average = ExponentialMovingAverage(model.second, 0.1)
    assert averaged_copies(model)['average.module.weight'] == 'second.weight'


def test_the_teacher_follows_the_student():
    model = SemiBaseDetector(nn.Sequential(nn.Linear(4, 2)))
    assert averaged_copies(model)['teacher.0.weight'] == 'student.0.weight'
    # What merely has the attribute, such as a teacher of another size, is no average.
    assert averaged_copies(SemiBaseDetector(nn.Sequential(nn.Linear(4, 3)))) == {}


def test_the_average_of_what_the_model_lacks_has_no_original():
    model = nn.Module()
    model.layer = nn.Linear(3, 2)
    model.average = ExponentialMovingAverage(nn.Linear(2, 2), 0.1)
    assert averaged_copies(model) == {'average.module.weight': None, 'average.module.bias': None}
    assert [t.name for t in find_targets(model, frozen=True)] == ['layer.weight']


def test_a_model_that_is_an_average_as_a_whole_is_a_model_like_others():
    model = ExponentialMovingAverage(nn.Sequential(nn.Linear(2, 2)), 0.1)
    assert averaged_copies(model) == {}
    assert [t.name for t in find_targets(model, frozen=True)] == ['module.0.weight']


def test_averages_are_neither_targets_nor_counted():
    model = Contrast()
    names = ['backbone.0.weight', 'neck.weight', 'other.weight']
    assert [t.name for t in find_targets(model, frozen=True)] == names
    assert count_parameters(model) == 12 + 8 + 10 + 10


def test_an_average_is_zero_where_its_original_is_pruned_and_stays_so():
    model = Contrast()
    keys = list(model.state_dict())
    for _ in range(2):
        model.follow()  # so that the average is past its first step, which copies
    dense = copy.deepcopy(model)
    attach_mask(model, MASK)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)

    def assert_pruned():
        state = model.state_dict()
        for copied, original in ORIGINALS.items():
            if original in MASK:
                assert not state[copied][~MASK[original]].any()
                assert state[copied][MASK[original]].all()
        assert revived(model) == []

    assert_pruned()  # at once: the dense average would otherwise fade by a quarter a step
    for _ in range(3):
        before = model.slow.module[1].weight.clone()
        model(torch.randn(2, 3, 4, 4)).square().sum().backward()
        optimizer.step()
        model.follow()
        torch.testing.assert_close(
            model.slow.module[1].weight, 0.75 * before + 0.25 * model.neck.weight
        )
        assert_pruned()
    model.load_state_dict(dense.state_dict())
    assert_pruned()
    model = copy.deepcopy(model)
    model.follow()
    assert_pruned()
    assert list(model.state_dict()) == keys
    assert not model.slow.module[1].weight.requires_grad


def test_the_attached_mask_names_originals_only():
    model = Contrast()
    attach_mask(model, MASK)
    assert attached_mask(model) == Mask(MASK)
