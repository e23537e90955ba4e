# Semantic segmentation: a small Semantic FPN with half a ResNet-18 tells nuclei from background.
# On windows of 128 × 128 pixels, from scratch, so that a training takes about two minutes on one
# core. The data: python tools/dataset_converters/semantic.py data/nuclei data/nuclei_semantic
_base_ = [
    'mmseg::_base_/models/fpn_r50.py',
    'mmseg::_base_/default_runtime.py',
    '../../_base_/lth/imp.py',
]

size = (128, 128)
norm_cfg = dict(type='BN', requires_grad=True)  # SyncBN does not work over processes without GPUs
widths = [32, 64, 128, 256]
model = dict(
    data_preprocessor=dict(size=size),
    pretrained=None,
    backbone=dict(type='ResNet', depth=18, stem_channels=32, base_channels=32, norm_cfg=norm_cfg),
    neck=dict(in_channels=widths, out_channels=64),
    decode_head=dict(
        in_channels=[64] * 4, channels=64, dropout_ratio=0, num_classes=2, norm_cfg=norm_cfg
    ),
)

data_root = 'data/nuclei_semantic/'
loader = dict(num_workers=0, persistent_workers=False, pin_memory=False)
dataset = dict(
    type='BaseSegDataset',
    data_root=data_root,
    data_prefix=dict(img_path='images', seg_map_path='labels'),
    metainfo=dict(classes=('background', 'nucleus'), palette=[[0, 0, 0], [255, 160, 0]]),
)
train_dataloader = dict(
    **loader,
    batch_size=8,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        **dataset,
        ann_file='annotations/train.txt',
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='RandomCrop', crop_size=size),
            dict(
                type='RandomFlip',
                prob=[0.25, 0.25, 0.25],
                direction=['horizontal', 'vertical', 'diagonal'],
            ),
            dict(type='PhotoMetricDistortion'),
            dict(type='PackSegInputs'),
        ],
    ),
)
test_pipeline = [  # by this name for mmseg.apis, too
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(256, 256), keep_ratio=True),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
val_dataloader = dict(
    **loader,
    batch_size=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **dataset,
        ann_file='annotations/val.txt',
        pipeline=test_pipeline,
    ),
)
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_dataloader = val_dataloader
test_evaluator = val_evaluator

iterations = 288  # 36 for all tiles once
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations // 2)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=36),
    dict(type='PolyLR', power=0.9, eta_min=1e-4, by_epoch=False, begin=36, end=iterations),
]
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=36, log_metric_by_epoch=False),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=iterations // 2),
)
randomness = dict(seed=0)

lottery = dict(target_sparsity=0.9, rounds=4, rewind='36it')
