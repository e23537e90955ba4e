# Mask R-CNN R50 on COCO as in Girish et al. (CVPR 2021).
# Batch 16, learning rate 0.02 divided by 10 at 2/3 and 8/9 of training, warm-up over 2000
# iterations from a factor of 5e-4, short side 640 to 800, norm layers frozen. They train 90,000
# iterations, the 12 epochs here are 87,960.
_base_ = ['mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py', '../../_base_/lth/s1_coco.py']

model = dict(backbone=dict(norm_cfg=dict(type='BN', requires_grad=False)))

train_pipeline = [
    dict(type='LoadImageFromFile', backend_args={{_base_.backend_args}}),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
    dict(
        type='RandomChoiceResize',
        scales=[(1333, short) for short in (640, 672, 704, 736, 768, 800)],
        keep_ratio=True,
    ),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

param_scheduler = [
    dict(type='LinearLR', start_factor=5e-4, by_epoch=False, begin=0, end=2000),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=12, milestones=[8, 11], gamma=0.1),
]
default_hooks = dict(checkpoint=dict(max_keep_ckpts=2))
