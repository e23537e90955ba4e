"""Models of MMDetection and MMPose are accelerated as they are."""

import numpy as np
import pytest
import torch
from mmdet.apis import inference_detector
from mmpose.apis import inference_topdown
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from torch import nn

import mmlth
from mmlth.engine import build_model, read_config
from mmlth.runtime import SparseConv2d


def sparsified(name):
    torch.manual_seed(0)
    config = read_config(name)
    model = build_model(config)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data *= torch.rand(module.weight.shape) < 0.3
    model.cfg = config
    return model.eval()


@pytest.mark.parametrize(
    'name',
    [
        'mmlth::lth/rtmdet/rtmdet_tiny_bccd_imp.py',
        'mmlth::lth/mask_rcnn/mask_rcnn_tiny_shapes_imp.py',
    ],
)
def test_detectors(name, always_sparse):
    model = sparsified(name)
    fast = mmlth.accelerate(model, (96, 128), show=None).model
    assert any(isinstance(module, SparseConv2d) for module in fast.modules())
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    pipeline = 'mmdet.LoadImageFromNDArray'
    for network in (model, fast):
        network.cfg.test_dataloader.dataset.pipeline[0].type = pipeline
    expected, computed = (inference_detector(network, image) for network in (model, fast))
    one, other = expected.pred_instances, computed.pred_instances
    torch.testing.assert_close(other.scores, one.scores, rtol=1e-3, atol=1e-4)
    if hasattr(model, 'bbox_head'):
        # Not the boxes: of an untrained network scores are so much alike that rounding sorts them.
        images = torch.randn(1, 3, 96, 128)
        one, other = (raw_outputs(network, images) for network in (model, fast))
        torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-4)
    else:
        torch.testing.assert_close(other.bboxes, one.bboxes, rtol=1e-3, atol=1e-2)


@torch.no_grad()
def raw_outputs(network, images):
    """Scores and boxes at all places of all levels."""
    maps = network.bbox_head(network.extract_feat(images))
    return torch.cat([level.flatten() for levels in maps for level in levels])


@pytest.mark.parametrize(
    'name',
    [
        'mmlth::lth/topdown_heatmap/topdown_heatmap_r18_mouse_imp.py',
        'mmlth::lth/rtmpose/rtmpose_tiny_mouse_imp.py',
    ],
)
def test_pose_estimators(name, always_sparse):
    model = sparsified(name)
    meta = model.cfg.test_dataloader.dataset.get('metainfo', {})
    model.dataset_meta = parse_pose_metainfo(meta)
    width, height = model.cfg.codec.input_size
    done = mmlth.accelerate(model, (height, width), show=None)
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    expected, computed = (inference_topdown(net, image)[0] for net in (model, done.model))
    # Not the keypoints: the largest number of an untrained network is hardly larger than others.
    np.testing.assert_allclose(
        computed.pred_instances.keypoint_scores,
        expected.pred_instances.keypoint_scores,
        rtol=1e-3,
        atol=1e-4,
    )
    linear = [
        layer for layer in done.layers if layer.choice == 'sparse' and len(layer.shapes[0]) < 4
    ]
    assert bool(linear) == ('rtmpose' in name)
