# RTMDet-tiny from scratch on boxes of nuclei; not a search.
# In crops of 128 × 128: round things of the size that blood cells have at 128 × 128. The study on
# BCCD starts from its weights, as the papers start from ImageNet's: rtmdet_tiny_bccd_study.py.
_base_ = './rtmdet_tiny_bccd_imp.py'

epochs = 24

data_root = 'data/nuclei/'
metainfo = dict(classes=('nucleus',))

model = dict(bbox_head=dict(num_classes=1))

load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True)]
flip = dict(
    type='RandomFlip', prob=[0.25, 0.25, 0.25], direction=['horizontal', 'vertical', 'diagonal']
)
train_dataloader = dict(
    batch_size=4,
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
val_evaluator = dict(ann_file=data_root + 'annotations/val.json', proposal_nums=(1, 100, 300))
test_dataloader = val_dataloader
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=epochs, val_interval=4)
optim_wrapper = dict(optimizer=dict(fused=True))
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=72)
param_scheduler[1].update(end=epochs, T_max=epochs - 1)
default_hooks = dict(checkpoint=dict(interval=4), logger=dict(interval=52))
custom_hooks = _base_.custom_hooks[:1]  # EMAHook
lottery = None
