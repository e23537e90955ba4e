"""Testing by sparse layers gives the same metrics and predictions."""

import pytest
import torch
from kit import shapes_options
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from repository import DEMO
from torch import nn

from mmlth.data import make_shapes
from mmlth.engine import LotteryError
from mmlth.engine.hooks import AccelerateHook
from mmlth.engine.models import averaged_models
from mmlth.runtime.layers import SparseLayer


@pytest.fixture(scope='module')
def shapes(tmp_path_factory):
    root = tmp_path_factory.mktemp('shapes')
    make_shapes(root, train=2, val=6)
    return root


def config_of(shapes, work_dir, hooks):
    config = Config.fromfile(DEMO)
    config.merge_from_dict(shapes_options(shapes))
    config.merge_from_dict(
        {
            'test_dataloader.dataset.data_root': f'{shapes}/',
            'test_evaluator.ann_file': f'{shapes}/annotations/val.json',
            'test_dataloader.num_workers': 0,
            'test_dataloader.persistent_workers': False,
            'model.test_cfg.rcnn.score_thr': 0.0,
        }
    )
    config.work_dir = str(work_dir)
    config.custom_hooks = hooks
    return config


def outcome(config):
    torch.manual_seed(0)
    runner = Runner.from_cfg(config)
    generator = torch.Generator().manual_seed(0)
    for module in runner.model.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data *= torch.rand(module.weight.shape, generator=generator) < 0.3
    given, predictions = runner.model, []
    process = runner.test_evaluator.process
    kinds = set()

    def keep(data_samples, data_batch=None):
        kinds.update(type(module) for module in runner.model.modules())
        predictions.extend(sample.pred_instances.bboxes for sample in data_samples)
        process(data_samples, data_batch)

    runner.test_evaluator.process = keep
    metrics = runner.test()
    assert runner.model is given
    return metrics, predictions, kinds


def test_the_same_metrics_and_predictions(shapes, tmp_path, always_sparse):
    expected, boxes, _ = outcome(config_of(shapes, tmp_path / 'dense', []))
    hook = dict(type='mmlth.AccelerateHook')
    computed, fast_boxes, kinds = outcome(config_of(shapes, tmp_path / 'fast', [hook]))
    assert any(issubclass(kind, SparseLayer) for kind in kinds)
    assert computed == pytest.approx(expected)
    for one, other in zip(boxes, fast_boxes):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-2)
    assert len(boxes) == len(fast_boxes) == 6
    # Runs that begin in one second share a log.
    logs = [path.read_text() for path in tmp_path.rglob('*.log')]
    assert any('layers sparse' in log for log in logs)


@HOOKS.register_module(force=True)
class FadeAverages(Hook):
    """Makes averaged weights others than those of the model."""

    def before_test(self, runner):
        (average,) = averaged_models(runner)
        for module in average.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.data *= 0.9


def test_averaged_weights_are_what_is_accelerated(shapes, tmp_path, always_sparse):
    averages = [dict(type='EMAHook'), dict(type='FadeAverages')]
    _, own, _ = outcome(config_of(shapes, tmp_path / 'own', []))
    _, dense, _ = outcome(config_of(shapes, tmp_path / 'dense', averages))
    hooks = [dict(type='mmlth.AccelerateHook'), *averages]
    _, fast, kinds = outcome(config_of(shapes, tmp_path / 'fast', hooks))
    assert any(issubclass(kind, SparseLayer) for kind in kinds)
    for one, other in zip(dense, fast):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-2)
    assert not torch.allclose(torch.cat(own), torch.cat(fast), atol=1.0)


def test_images_that_are_looked_at_several_times(shapes, tmp_path, always_sparse):
    """Test-time augmentation wraps the model, and gives it images of several sizes."""

    def config(name, hooks):
        config = config_of(shapes, tmp_path / name, hooks)
        merged = dict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=20)
        config.model.roi_head.update(mask_roi_extractor=None, mask_head=None)  # which it has not
        config.model = dict(type='DetTTAModel', tta_cfg=merged, module=config.model)
        sizes = [dict(type='Resize', scale=(side, side)) for side in (128, 96)]
        flips = [dict(type='RandomFlip', prob=prob) for prob in (1.0, 0.0)]
        keys = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'flip')
        pack = dict(type='PackDetInputs', meta_keys=(*keys, 'flip_direction'))
        augment = dict(type='TestTimeAug', transforms=[sizes, flips, [pack]])
        config.test_dataloader.dataset.pipeline = [dict(type='LoadImageFromFile'), augment]
        config.test_evaluator.metric = 'bbox'
        return config

    expected, dense, _ = outcome(config('dense', []))
    hook = dict(type='mmlth.AccelerateHook')
    computed, fast, kinds = outcome(config('fast', [hook]))
    assert any(issubclass(kind, SparseLayer) for kind in kinds)
    assert computed == pytest.approx(expected)
    for one, other in zip(dense, fast):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-2)


def test_a_model_on_another_device_is_refused():
    class Fake:
        model = nn.Linear(1, 1, device='meta')

    with pytest.raises(LotteryError, match='tests on a CPU faster, but the model is on meta'):
        AccelerateHook().before_test_iter(Fake(), 0, {})
