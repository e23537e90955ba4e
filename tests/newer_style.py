"""Small configs of MMEngine's newer style on generated shapes: a detector and a pose estimator.

As those of MMDetection and MMPose in this style, they name classes, have no default scope, and
inherit by ``read_base()``, here the pruning base config and a file beside them.
"""

RUNTIME = """
from mmengine.dataset import DefaultSampler
from mmengine.hooks import CheckpointHook, DistSamplerSeedHook, IterTimerHook, LoggerHook
from mmengine.hooks import ParamSchedulerHook
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, LogProcessor, ValLoop
from mmengine.visualization import LocalVisBackend
from torch.optim import AdamW

default_scope = None
default_hooks = dict(
    timer=dict(type=IterTimerHook),
    logger=dict(type=LoggerHook, interval=1),
    param_scheduler=dict(type=ParamSchedulerHook),
    checkpoint=dict(type=CheckpointHook, interval=1),
    sampler_seed=dict(type=DistSamplerSeedHook),
)
env_cfg = dict(mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
vis_backends = [dict(type=LocalVisBackend)]
log_processor = dict(type=LogProcessor, window_size=50, by_epoch=True)
train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=2, val_interval=2)
val_cfg = dict(type=ValLoop)
optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=AdamW, lr=1e-3))
param_scheduler = [dict(type=CosineAnnealingLR, T_max=2, by_epoch=True)]
randomness = dict(seed=0)
loader = dict(batch_size=4, num_workers=0, sampler=dict(type=DefaultSampler, shuffle=True))
"""

DETECTOR = """
from mmengine.config import read_base

with read_base():
    from .runtime import *
    from mmlth.configs.imp import *

from mmcv.transforms import LoadImageFromFile
from mmdet.datasets import AspectRatioBatchSampler, CocoDataset
from mmdet.datasets.transforms import LoadAnnotations, PackDetInputs, RandomFlip, Resize
from mmdet.engine.hooks import DetVisualizationHook
from mmdet.evaluation import CocoMetric
from mmdet.models import FPN, DetDataPreprocessor, FocalLoss, L1Loss, ResNet, RetinaHead, RetinaNet
from mmdet.models.task_modules import AnchorGenerator, DeltaXYWHBBoxCoder, MaxIoUAssigner
from mmdet.models.task_modules import PseudoSampler
from mmdet.visualization import DetLocalVisualizer
from torch.nn import BatchNorm2d

model = dict(
    type=RetinaNet,
    data_preprocessor=dict(
        type=DetDataPreprocessor, mean=[124, 116, 104], std=[58, 57, 57], pad_size_divisor=32
    ),
    backbone=dict(
        type=ResNet,
        depth=18,
        base_channels=8,
        stem_channels=8,
        norm_cfg=dict(type=BatchNorm2d),
        init_cfg=None,
    ),
    neck=dict(type=FPN, in_channels=[8, 16, 32, 64], out_channels=8, start_level=1, num_outs=4),
    bbox_head=dict(
        type=RetinaHead,
        num_classes=3,
        in_channels=8,
        feat_channels=8,
        stacked_convs=1,
        anchor_generator=dict(
            type=AnchorGenerator,
            octave_base_scale=4,
            scales_per_octave=1,
            ratios=[1.0],
            strides=[8, 16, 32, 64],
        ),
        bbox_coder=dict(
            type=DeltaXYWHBBoxCoder, target_means=[0.0] * 4, target_stds=[1.0] * 4
        ),
        loss_cls=dict(type=FocalLoss),
        loss_bbox=dict(type=L1Loss),
    ),
    train_cfg=dict(
        assigner=dict(type=MaxIoUAssigner, pos_iou_thr=0.5, neg_iou_thr=0.4, min_pos_iou=0),
        sampler=dict(type=PseudoSampler),
        allowed_border=-1,
        pos_weight=-1,
    ),
    test_cfg=dict(
        nms_pre=100,
        min_bbox_size=0,
        score_thr=0.0,
        nms=dict(type='nms', iou_threshold=0.5),
        max_per_img=10,
    ),
)

data = dict(
    type=CocoDataset,
    data_root='{root}/',
    data_prefix=dict(img='images/'),
    metainfo=dict(classes=('circle', 'square', 'triangle')),
)
train_dataloader = dict(
    **loader,
    batch_sampler=dict(type=AspectRatioBatchSampler),
    dataset=dict(
        **data,
        ann_file='annotations/train.json',
        pipeline=[
            dict(type=LoadImageFromFile),
            dict(type=LoadAnnotations, with_bbox=True),
            dict(type=RandomFlip, prob=0.5),
            dict(type=PackDetInputs),
        ],
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type=DefaultSampler, shuffle=False),
    dataset=dict(
        **data,
        ann_file='annotations/val.json',
        test_mode=True,
        pipeline=[
            dict(type=LoadImageFromFile),
            dict(type=Resize, scale=(128, 128), keep_ratio=True),
            dict(type=LoadAnnotations, with_bbox=True),
            dict(type=PackDetInputs),
        ],
    ),
)
val_evaluator = dict(type=CocoMetric, ann_file='{root}/annotations/val.json', metric='bbox')
default_hooks.update(visualization=dict(type=DetVisualizationHook))
visualizer = dict(type=DetLocalVisualizer, vis_backends=vis_backends, name='visualizer')
lottery.update(target_sparsity=0.5, rounds=2)
lottery.targets.update(exclude=['backbone.conv1'])
"""

POSE = """
from mmengine.config import read_base

with read_base():
    from .runtime import *
    from mmlth.configs.learning_rate_rewinding import *

from mmengine.hooks import EMAHook, SyncBuffersHook
from mmpose.codecs import MSRAHeatmap
from mmpose.datasets import CocoDataset, GenerateTarget, GetBBoxCenterScale, LoadImage
from mmpose.datasets import PackPoseInputs, TopdownAffine
from mmpose.engine.hooks import ExpMomentumEMA, PoseVisualizationHook
from mmpose.evaluation import CocoMetric
from mmpose.models import HeatmapHead, KeypointMSELoss, PoseDataPreprocessor, ResNet
from mmpose.models import TopdownPoseEstimator
from mmpose.visualization import PoseLocalVisualizer

codec = dict(type=MSRAHeatmap, input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
model = dict(
    type=TopdownPoseEstimator,
    data_preprocessor=dict(type=PoseDataPreprocessor, mean=[124, 116, 104], std=[58, 57, 57]),
    backbone=dict(type=ResNet, depth=18, base_channels=8, stem_channels=8, init_cfg=None),
    head=dict(
        type=HeatmapHead,
        in_channels=64,
        out_channels={count},
        deconv_out_channels=(8, 8, 8),
        loss=dict(type=KeypointMSELoss, use_target_weight=True),
        decoder=codec,
    ),
    test_cfg=dict(flip_test=False),
)
data = dict(
    type=CocoDataset,
    data_root='{root}/',
    data_prefix=dict(img='images/'),
    metainfo={metainfo!r},
)
load = [dict(type=LoadImage), dict(type=GetBBoxCenterScale)]
crop = [dict(type=TopdownAffine, input_size=codec['input_size'])]
train_dataloader = dict(
    **loader,
    dataset=dict(
        **data,
        ann_file='annotations/train.json',
        pipeline=[
            *load, *crop, dict(type=GenerateTarget, encoder=codec), dict(type=PackPoseInputs)
        ],
    ),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type=DefaultSampler, shuffle=False, round_up=False),
    dataset=dict(
        **data,
        ann_file='annotations/val.json',
        test_mode=True,
        pipeline=[*load, *crop, dict(type=PackPoseInputs)],
    ),
)
val_evaluator = dict(type=CocoMetric, ann_file='{root}/annotations/val.json')
default_hooks.update(visualization=dict(type=PoseVisualizationHook, enable=False))
custom_hooks = [
    dict(type=SyncBuffersHook),
    dict(type=EMAHook, ema_type=ExpMomentumEMA, momentum=0.01, update_buffers=True, priority=49),
]
visualizer = dict(type=PoseLocalVisualizer, vis_backends=vis_backends, name='visualizer')
lottery.update(target_sparsity=0.5, rounds=2)
"""
