"""The detectors that the benchmarks run on: MMDetection's own configs, nothing is downloaded."""

import warnings
from typing import Any

from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.logging import MMLogger
from mmengine.model import BaseModel, revert_sync_batchnorm
from mmengine.registry import init_default_scope

MASK_RCNN = 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py'
RTMDET_TINY = 'rtmdet/rtmdet_tiny_8xb32-300e_coco.py'


def build(config: str) -> tuple[BaseModel, Config]:
    """The model of one of MMDetection's configs, with random weights, and the config."""
    warnings.simplefilter('ignore')
    MMLogger.get_current_instance().setLevel('ERROR')  # else a line a parameter
    init_default_scope('mmdet')
    cfg = get_config(f'mmdet::{config}')
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(cfg.model)
    model.init_weights()
    return revert_sync_batchnorm(model), cfg


def random_batch(size: tuple[int, int], count: int, masks: bool) -> dict[str, Any]:
    """Noise images of ``size`` (height, width) with eight objects each, always the same."""
    return demo_mm_inputs(count, (3, *size), num_items=[8] * count, num_classes=80, with_mask=masks)
