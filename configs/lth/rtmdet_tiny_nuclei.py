# RTMDet-tiny from scratch on boxes of nuclei, in crops of 128 × 128: round things of the size that
# blood cells have at 128 × 128. The study on BCCD starts from its weights, as the papers start from
# ImageNet's: rtmdet_tiny_bccd_study.py. No tickets here.
_base_ = './rtmdet_tiny_bccd_study.py'

epochs = 24

data_root = 'data/nuclei/'
metainfo = dict(classes=('nucleus',))

model = dict(bbox_head=dict(num_classes=1))

load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True)]
flip = dict(
    type='RandomFlip', prob=[0.25, 0.25, 0.25], direction=['horizontal', 'vertical', 'diagonal']
)
train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        pipeline=[
            *load,
            dict(type='RandomCrop', crop_size=(128, 128)),
            dict(type='FilterAnnotations', min_gt_bbox_wh=(4, 4)),
            dict(type='YOLOXHSVRandomAug'),
            flip,
            dict(type='PackDetInputs'),
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(256, 256), keep_ratio=True),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(
                type='PackDetInputs',
                meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
            ),
        ],
    ),
)
val_evaluator = dict(ann_file=data_root + 'annotations/val.json', proposal_nums=(300, 1, 10))
test_dataloader = val_dataloader
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=epochs, val_interval=4)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=72),
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
custom_hooks = [
    dict(
        type='EMAHook',
        ema_type='ExpMomentumEMA',
        momentum=0.0002,
        update_buffers=True,
        priority=49,
    ),
]
lottery = None
load_from = None
