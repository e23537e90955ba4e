# Mask R-CNN R50 at full size on the 128 images of COCO128, a few iterations a round.
# It shows that the whole path works, not what a ticket is worth. Weights start at random.
_base_ = './mask_rcnn_r50_imp.py'

model = dict(backbone=dict(init_cfg=None))

dataset = dict(
    data_root='data/coco128/',
    ann_file='annotations/instances.json',
    data_prefix=dict(img='images/'),
)
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    sampler=dict(_delete_=True, type='InfiniteSampler'),
    dataset=dict(
        **dataset,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(type='Resize', scale=(320, 320), keep_ratio=True),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackDetInputs'),
        ],
    ),
)
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        **dataset,
        indices=16,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(320, 320), keep_ratio=True),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(
                type='PackDetInputs',
                meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
            ),
        ],
    ),
)
val_evaluator = dict(ann_file=dataset['data_root'] + dataset['ann_file'])

train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=8, val_interval=8)
param_scheduler = [dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=4)]
optim_wrapper = dict(optimizer=dict(lr=0.002), clip_grad=dict(max_norm=10, norm_type=2))
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=8, max_keep_ckpts=2), logger=dict(interval=2)
)
log_processor = dict(by_epoch=False)
randomness = dict(seed=0)

lottery = dict(target_sparsity=0.8, rounds=2, rewind='2it', after_rewind='continue')
