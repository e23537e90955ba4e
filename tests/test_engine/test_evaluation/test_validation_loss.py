"""The loss of the validation data: its value, its data, and that no training notices it."""

import itertools
import json
import random

import cv2
import numpy as np
import pytest
import torch
from kit import record, search_by, ticket_bytes, ticket_of
from mmengine.registry import DATASETS, MODELS
from mmengine.runner import Runner
from repository import CONFIGS
from toy import ToyDataset, ToyModel, toy_config

from mmlth import LotteryError
from mmlth.data import make_shapes
from mmlth.engine.configs.reading import read_config
from mmlth.engine.evaluation.loss_data import loss_loader
from mmlth.engine.evaluation.validation_loss import ValidationLoss
from mmlth.engine.models.building import build_model, initialise

EMA = {'type': 'EMAHook', 'momentum': 0.3}


@MODELS.register_module(force=True)
class RestlessModel(ToyModel):
    """Its loss draws from all generators, and counts."""

    def __init__(self):
        super().__init__()
        self.register_buffer('calls', torch.zeros(()))

    def forward(self, inputs, data_samples=None, mode='tensor'):
        result = super().forward(inputs, data_samples, mode)
        if mode == 'loss':
            self.calls += 1
            noise = random.random() + np.random.rand() + torch.rand(()).item()  # noqa: S311
            result['loss_of_chance'] = result['loss'] * 0.01 * noise
            result['acc'] = torch.ones(())
        return result


@DATASETS.register_module(force=True)
class RestlessDataset(ToyDataset):
    def __getitem__(self, index):
        np.random.rand()
        return super().__getitem__(index)


@MODELS.register_module(force=True)
class OnlyTrainingModel(ToyModel):
    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode == 'loss' and not self.training:
            raise TypeError('a loss of denoising is missing\nand more')
        return super().forward(inputs, data_samples, mode)


def config_of(work_dir, on, iterations=False, **changes):
    config = toy_config(work_dir, iterations, **changes)
    config.lottery.validation_loss = on
    return config


def search(*args, **kwargs):
    search_by(config_of(*args, **kwargs))


def results(work_dir):
    """What the search recorded, but for times."""
    rounds = record(work_dir)['rounds']
    return [{key: value for key, value in each.items() if key != 'seconds'} for each in rounds]


def logged(work_dir, index):
    """The lines of a round's scalars, in all of its attempts."""
    files = sorted(work_dir.glob(f'round_{index:02d}/*/vis_data/scalars.json'))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def val_losses(work_dir, index):
    return {each['step']: each for each in logged(work_dir, index) if 'val/loss' in each}


RESTLESS = {
    'model': {'type': 'RestlessModel'},
    'val_dataloader.dataset': {'type': 'RestlessDataset'},
    'val_dataloader.batch_size': 5,
    'default_hooks.checkpoint.save_best': 'auto',
}


@pytest.mark.parametrize('iterations', [False, True])
@pytest.mark.parametrize('hooks', [[], [EMA]], ids=['', 'ema'])
def test_a_search_does_not_notice(tmp_path, hooks, iterations):
    changes = {**RESTLESS, 'custom_hooks': hooks, 'lottery.rewind': '6it'}
    search(tmp_path / 'with', True, iterations, **changes)
    search(tmp_path / 'without', False, iterations, **changes)
    assert ticket_bytes(tmp_path / 'with') == ticket_bytes(tmp_path / 'without')
    assert results(tmp_path / 'with') == results(tmp_path / 'without')
    assert len(val_losses(tmp_path / 'with', 1)) == (1 if iterations else 2)
    assert not val_losses(tmp_path / 'without', 1)


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize('on', [(True, True), (True, False), (False, True)])
def test_a_search_that_was_interrupted_does_not_notice(tmp_path, monkeypatch, on):
    """Not if the key is another when it is resumed, too."""
    before, after = on
    search(tmp_path / 'whole', False, **RESTLESS)
    with monkeypatch.context() as patch:
        step = RestlessModel.train_step
        calls = itertools.count()

        def dying(self, *args, **kwargs):
            if next(calls) == 6 * 3 + 8:  # in the last epoch of round 1
                raise Killed
            return step(self, *args, **kwargs)

        patch.setattr(RestlessModel, 'train_step', dying)
        with pytest.raises(Killed):
            search(tmp_path / 'killed', before, **RESTLESS)
    search(tmp_path / 'killed', after, resume=True, **RESTLESS)
    assert ticket_bytes(tmp_path / 'killed') == ticket_bytes(tmp_path / 'whole')
    assert results(tmp_path / 'killed') == results(tmp_path / 'whole')


def mean_loss(weights):
    """Of the toy, over all images at once."""
    model = ToyModel().eval()
    model.load_state_dict(weights)
    data = ToyDataset(augment=False)
    images, labels = torch.stack(list(data.images)), torch.tensor(data.labels)
    with torch.no_grad():
        return float(model(images, labels, mode='loss')['loss'])


@pytest.mark.parametrize('hooks', [[], [EMA]], ids=['', 'ema'])
def test_it_is_the_mean_over_all_images_by_the_weights_that_are_validated(tmp_path, hooks):
    """A ticket has these weights. The last batch is smaller than the others."""
    search(tmp_path, True, custom_hooks=hooks, **{'val_dataloader.batch_size': 7})
    for index in range(3):
        weights = ticket_of(tmp_path, index).state_dict()
        last = max(val_losses(tmp_path, index).items())[1]
        assert last['val/loss'] == pytest.approx(mean_loss(weights), rel=1e-5)


def test_components_and_their_sum_are_told_and_nothing_else(tmp_path):
    search(tmp_path, True, **RESTLESS)
    for line in val_losses(tmp_path, 0).values():
        assert line.keys() == {'val/loss', 'val/loss_of_chance', 'step'}


def test_every_pass_draws_the_same_random_numbers(tmp_path):
    config = config_of(tmp_path, True, **RESTLESS)
    model, loss = RestlessModel(), ValidationLoss(config)
    first = loss(model)
    torch.rand(3)
    assert loss(model) == first
    assert model.calls == 0
    assert model.training


def test_steps_are_those_of_the_metrics(tmp_path):
    logger = {'default_hooks.logger.log_metric_by_epoch': False}
    search(tmp_path / 'epochs', True)
    search(tmp_path / 'iterations', True, True, **logger, **{'lottery.rewind': '6it'})
    for name, steps in (('epochs', [1, 2, 3]), ('iterations', [6, 12, 18])):
        metrics = [a['step'] for a in logged(tmp_path / name, 0) if 'toy/accuracy' in a]
        assert metrics == list(val_losses(tmp_path / name, 0)) == steps


def test_it_gives_up_when_the_training_is_about_to_stop(tmp_path):
    asked = iter([False, True])
    loss = ValidationLoss(config_of(tmp_path, True))
    assert loss(ToyModel(), lambda: next(asked)) is None
    assert not list(asked)


def test_a_validation_by_itself_computes_none(tmp_path):
    hooks = [{'type': 'mmlth.ValidationLossHook'}]
    config = toy_config(tmp_path, custom_hooks=hooks)
    config.pop('lottery')
    runner = Runner.from_cfg(config)
    assert runner.val().keys() == {'toy/accuracy'}


def test_an_ordinary_training_may_have_the_hook(tmp_path):
    config = toy_config(tmp_path, custom_hooks=[{'type': 'mmlth.ValidationLossHook'}])
    config.pop('lottery')
    Runner.from_cfg(config).train()
    file = next(tmp_path.glob('*/vis_data/scalars.json'))
    assert sum('val/loss' in line for line in file.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'model': {'type': 'OnlyTrainingModel'}}, 'TypeError: a loss of denoising is missing'),
        ({'val_dataloader': None, 'val_cfg': None, 'val_evaluator': None}, 'no val_dataloader'),
        ({'val_dataloader.dataset.images': 0}, 'cannot be computed'),
        ({'lottery.validation_loss': 'yes'}, "validation_loss must be True or False, got 'yes'"),
    ],
)
def test_where_there_is_no_loss_nothing_is_trained(tmp_path, changes, said):
    config = config_of(tmp_path / 'work', True)
    config.merge_from_dict(changes)
    with pytest.raises(LotteryError, match=said):
        Runner.from_cfg(config).train()
    assert not list(tmp_path.glob('work/search.json'))
    assert not list(tmp_path.glob('work/round_*'))


def test_the_training_of_a_ticket_tells_it_too(tmp_path):
    search(tmp_path / 'search', False)
    config = toy_config(tmp_path / 'ticket')
    path = str(tmp_path / 'search/tickets/round_02.safetensors')
    config.lottery = {'ticket': path, 'validation_loss': True}
    Runner.from_cfg(config).train()
    file = next((tmp_path / 'ticket').glob('*/vis_data/scalars.json'))
    assert sum('val/loss' in line for line in file.read_text().splitlines()) == 3


@pytest.fixture
def shapes(tmp_path):
    """The demo's config, its images halved before the model sees them; one image is empty."""
    pytest.importorskip('mmdet')
    make_shapes(tmp_path, train=1, val=3)
    file = tmp_path / 'annotations/val.json'
    content = json.loads(file.read_text())
    empty = content['images'][1]['id']
    content['annotations'] = [a for a in content['annotations'] if a['image_id'] != empty]
    file.write_text(json.dumps(content))
    config = read_config(CONFIGS / 'mask_rcnn/mask_rcnn_tiny_shapes_imp.py')
    config.val_dataloader.dataset.data_root = f'{tmp_path}/'
    config.val_dataloader.dataset.pipeline[1].scale = (64, 64)
    return config, content['annotations']


def test_objects_of_a_detector_are_transformed_with_their_image(shapes):
    config, annotations = shapes
    loader = Runner.build_dataloader(loss_loader(config), seed=0)
    assert len(loader.dataset) == 3
    result = {}
    for sample in next(iter(loader))['data_samples']:
        objects = sample.gt_instances
        result[sample.img_id] = objects.bboxes.tensor
        assert sample.img_shape == objects.masks.masks.shape[1:] == (64, 64)
        assert len(objects.masks) == len(objects.bboxes)
    for image, boxes in result.items():
        corners = [
            [x / 2, y / 2, (x + w) / 2, (y + h) / 2]
            for a in annotations
            if a['image_id'] == image
            for x, y, w, h in [a['bbox']]
        ]
        torch.testing.assert_close(boxes, torch.tensor(corners).reshape(-1, 4))
    assert min(map(len, result.values())) == 0


def test_a_detector_has_all_its_losses_with_an_empty_image_too(shapes):
    config, _ = shapes
    torch.manual_seed(0)
    model = build_model(config)
    initialise(model)
    loss = ValidationLoss(config)
    result = loss(model)
    parts = {'loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox', 'loss_mask'}
    assert result.keys() == {'loss', *parts}
    assert all(np.isfinite(value) and value > 0 for value in result.values())
    assert result['loss'] == pytest.approx(sum(result[part] for part in parts))
    assert loss(model) == result  # boxes are sampled at random


def names(loader):
    return [step['type'] for step in loader['dataset']['pipeline']]


def test_pose_pipelines_get_targets_and_boxes_of_the_annotations():
    pytest.importorskip('mmpose')
    config = read_config('mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-t_8xb256-420e_coco-256x192')
    config.val_dataloader.dataset.bbox_file = 'boxes.json'
    result = loss_loader(config)
    assert names(result)[-3:] == ['TopdownAffine', 'GenerateTarget', 'PackPoseInputs']
    training = config.train_dataloader.dataset.pipeline
    targets = next(step for step in training if step.type == 'GenerateTarget')
    assert result['dataset']['pipeline'][-2] == targets
    assert result['dataset']['bbox_file'] is None
    assert config.val_dataloader.dataset.bbox_file == 'boxes.json'
    assert 'GenerateTarget' not in names(config.val_dataloader)


def test_images_that_are_resized_without_their_keypoints_are_refused():
    pytest.importorskip('mmpose')
    config = read_config(
        'mmpose::body_2d_keypoint/dekr/coco/dekr_hrnet-w32_8xb10-140e_coco-512x512'
    )
    with pytest.raises(LotteryError, match=r'BottomupResize .* without their keypoints'):
        loss_loader(config)


def test_a_classifier_has_a_loss(tmp_path):
    pytest.importorskip('mmpretrain')
    config = read_config(CONFIGS / 'resnet/resnet18_crops_imp.py')
    lines = []
    for index in range(3):
        cv2.imwrite(str(tmp_path / f'{index}.png'), np.full((80, 80, 3), 40 * index, np.uint8))
        lines.append(f'{index}.png {index}')
    (tmp_path / 'val.txt').write_text('\n'.join(lines))
    data = {'data_root': str(tmp_path), 'data_prefix': '', 'ann_file': 'val.txt'}
    config.val_dataloader.dataset.update(data)
    config.val_dataloader.batch_size = 2
    torch.manual_seed(0)
    model = build_model(config)
    result = ValidationLoss(config)(model)
    assert result.keys() == {'loss'}
    assert 0 < result['loss'] < 20


def test_what_a_round_trains_is_logged_once(tmp_path):
    search(tmp_path, False)
    for index in range(3):
        mask = ticket_of(tmp_path, index).mask
        (line,) = [each for each in logged(tmp_path, index) if 'lottery/round' in each]
        assert line['step'] == (6 if index else 0)
        assert line['lottery/round'] == index
        assert line['lottery/kept'] == mask.kept
        assert line['lottery/sparsity'] == mask.sparsity
        assert line['lottery/network_sparsity'] == results(tmp_path)[index]['network_sparsity']
        for module in ('conv', 'depthwise', 'fc'):
            kept = mask[f'{module}.weight']
            assert line[f'lottery/kept_of/{module}'] == kept.sum()
            share = line[f'lottery/sparsity_of/{module}']
            assert share == pytest.approx(1 - kept.float().mean().item())
