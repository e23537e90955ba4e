"""Testing by sparse layers gives the same metrics and predictions."""

import pytest
import torch
from kit import shapes_options
from mmengine.config import Config
from mmengine.runner import Runner
from repository import DEMO
from torch import nn

from mmlth.data import make_shapes
from mmlth.engine import LotteryError
from mmlth.engine.hooks import AccelerateHook
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


def test_a_model_on_another_device_is_refused():
    class Fake:
        model = nn.Linear(1, 1, device='meta')

    with pytest.raises(LotteryError, match='tests on a CPU faster, but the model is on meta'):
        AccelerateHook().before_test_iter(Fake(), 0, {})
