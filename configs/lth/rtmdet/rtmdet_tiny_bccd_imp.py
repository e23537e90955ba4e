# RTMDet-tiny from scratch on BCCD: blood cells, 205 images to train on, 3 classes.
# At 192 × 192, so that a search takes about 20 minutes on two cores. Its base brings EMAHook and
# PipelineSwitchHook.
_base_ = ['mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py', '../../_base_/lth/imp.py']

size = (192, 192)
epochs, last_epochs = 12, 3

data_root = 'data/bccd/'
metainfo = dict(classes=('RBC', 'WBC', 'Platelets'))

bn = dict(type='BN')
model = dict(
    data_preprocessor=dict(pad_size_divisor=32),
    backbone=dict(init_cfg=None, norm_cfg=bn),
    neck=dict(norm_cfg=bn),
    bbox_head=dict(num_classes=3, norm_cfg=bn),
)

load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True)]
pack = [
    dict(type='RandomFlip', prob=0.5),
    dict(type='Pad', size=size, pad_val=dict(img=(114, 114, 114))),
    dict(type='PackDetInputs'),
]
train_pipeline = [
    *load,
    dict(type='RandomResize', scale=size, ratio_range=(0.8, 1.25), keep_ratio=True),
    dict(type='RandomCrop', crop_size=size),
    dict(type='YOLOXHSVRandomAug'),
    *pack,
]
last_pipeline = [*load, dict(type='Resize', scale=size, keep_ratio=True), *pack]

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/train.json',
        data_prefix=dict(img='images/'),
        metainfo=metainfo,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/val.json',
        data_prefix=dict(img='images/'),
        metainfo=metainfo,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=size, keep_ratio=True),
            dict(type='Pad', size=size, pad_val=dict(img=(114, 114, 114))),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(
                type='PackDetInputs',
                meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
            ),
        ],
    ),
)
val_evaluator = dict(ann_file=data_root + 'annotations/val.json')
test_dataloader = val_dataloader
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=epochs, val_interval=epochs, dynamic_intervals=None)
optim_wrapper = dict(optimizer=dict(lr=0.002))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=26),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=1,
        end=epochs,
        T_max=epochs - 1,
        eta_min=0.0001,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(checkpoint=dict(interval=3, max_keep_ckpts=2), logger=dict(interval=25))
custom_hooks = [
    dict(
        type='EMAHook',
        ema_type='ExpMomentumEMA',
        momentum=0.0002,
        update_buffers=True,
        priority=49,
    ),
    dict(
        type='PipelineSwitchHook',
        switch_epoch=epochs - last_epochs,
        switch_pipeline=last_pipeline,
    ),
]
randomness = dict(seed=0)

lottery = dict(target_sparsity=0.85, rounds=6, rewind='1ep')
