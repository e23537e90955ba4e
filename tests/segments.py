"""Semantic segmentation of generated shapes by a tiny model of MMSegmentation."""

from pathlib import Path
from typing import Any

from converters import load_converter

from mmlth.data import make_shapes

SEGMENTS = """
custom_imports = dict(imports=['mmlth'], allow_failed_imports=False)
lottery = dict(target_sparsity=0.75, rounds=2, rewind='2it')

default_scope = 'mmseg'
norm = dict(type='BN')
head = dict(
    type='FCNHead', channels=8, num_convs=1, num_classes=4, concat_input=False, norm_cfg=norm
)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=(48, 48),
    ),
    backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=8, norm_cfg=norm),
    decode_head=dict(in_channels=64, in_index=3, **head),
    auxiliary_head=dict(
        in_channels=32,
        in_index=2,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4),
        **head,
    ),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
data = dict(
    type='BaseSegDataset',
    data_root={root!r},
    img_suffix='.png',
    data_prefix=dict(img_path='images', seg_map_path='labels'),
    metainfo=dict(classes=('background', 'circle', 'square', 'triangle')),
)
loader = dict(num_workers=0, persistent_workers=False)
train_dataloader = dict(
    **loader,
    batch_size=4,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        **data,
        ann_file='annotations/train.txt',
        pipeline=[
            *load,
            dict(type='RandomCrop', crop_size=(48, 48)),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackSegInputs'),
        ],
    ),
)
test_pipeline = [
    load[0],
    dict(type='Resize', scale=(48, 48), keep_ratio=True),
    load[1],
    dict(type='PackSegInputs'),
]
val_dataloader = dict(
    **loader,
    batch_size=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **data,
        ann_file='annotations/val.txt',
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_dataloader = val_dataloader
test_evaluator = val_evaluator
train_cfg = dict(type='IterBasedTrainLoop', max_iters=6, val_interval=3)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=1e-4, by_epoch=False, end=6)]
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=2, log_metric_by_epoch=False),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=3),
)
log_processor = dict(by_epoch=False)
visualizer = dict(type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')])
randomness = dict(seed=0)
"""
"""The text of the config, with ``{root!r}`` for the folder of the data."""


def make_segments(folder: Path) -> Path:
    """Makes the data below a folder, and returns where."""
    make_shapes(folder / 'shapes', train=6, val=3, size=(64, 64))
    load_converter('semantic').convert(folder / 'shapes', folder / 'segments')
    return folder / 'segments'


def segments_file(root: Path, folder: Path, more: str = '') -> Path:
    """Writes the config.

    Args:
        root: Where `make_segments` wrote.
        folder: Where the config goes.
        more: Lines that follow.
    """
    path = folder / 'segments.py'
    path.write_text(SEGMENTS.replace('{root!r}', repr(f'{root}/')) + more)
    return path


def segments_config(root: Path, folder: Path, **options: Any) -> Any:
    """The config, read, which writes to ``folder / 'work'``.

    Args:
        root: Where `make_segments` wrote.
        folder: Where the config goes.
        **options: Keys that are replaced; of ``lottery`` added to its own.
    """
    from mmlth.engine import read_config

    config = read_config(segments_file(root, folder))
    lottery = {**config.lottery, **options.pop('lottery', {})}
    work_dir, name = str(folder / 'work'), folder.name
    changes = {'work_dir': work_dir, 'experiment_name': name, 'log_level': 'WARNING', **options}
    config.merge_from_dict(changes)
    config.lottery = lottery
    return config
