# Mask R-CNN with a ResNet-18 of half the width on nuclei, for comparisons over several seeds.
# In crops of 96 × 96. FPN and heads are narrow, so that 93 % of the weights lie in the backbone,
# of which tickets of pre-training are. It starts from a pre-training's dense weights:
# tools/study/transfers.sh runs it.
_base_ = ['mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py', '../../_base_/lth/imp.py']

size = (96, 96)
epochs = 16
channels = 32
pretrained = 'work_dirs/study/transfers/supervised/seed_0/tickets/round_00.safetensors'

model = dict(
    data_preprocessor=dict(pad_size_divisor=32),
    backbone=dict(
        depth=18,
        stem_channels=32,
        base_channels=32,
        frozen_stages=-1,
        norm_eval=False,
        init_cfg=dict(type='Pretrained', prefix='backbone.', checkpoint=pretrained),
    ),
    neck=dict(in_channels=[32, 64, 128, 256], out_channels=channels),
    rpn_head=dict(in_channels=channels, feat_channels=channels, anchor_generator=dict(scales=[4])),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=channels, finest_scale=28),
        bbox_head=dict(in_channels=channels, fc_out_channels=64, num_classes=1),
        mask_roi_extractor=dict(out_channels=channels, finest_scale=28),
        mask_head=dict(
            in_channels=channels, conv_out_channels=channels, num_convs=2, num_classes=1
        ),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=128)),
        rpn_proposal=dict(nms_pre=300, max_per_img=150),
        rcnn=dict(sampler=dict(num=64)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=200), rcnn=dict(max_per_img=150)),
)

data_root = 'data/nuclei/'
metainfo = dict(classes=('nucleus',))
loader = dict(num_workers=0, persistent_workers=False, pin_memory=False)
train_dataloader = dict(
    **loader,
    batch_size=8,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/train.json',
        data_prefix=dict(img='images/'),
        metainfo=metainfo,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=True),
            dict(type='RandomCrop', crop_size=size),
            dict(type='FilterAnnotations', min_gt_bbox_wh=(4, 4)),
            dict(
                type='RandomFlip',
                prob=[0.25, 0.25, 0.25],
                direction=['horizontal', 'vertical', 'diagonal'],
            ),
            dict(type='PackDetInputs'),
        ],
    ),
)
val_dataloader = dict(
    **loader,
    batch_size=4,
    dataset=dict(
        data_root=data_root,
        ann_file='annotations/val.json',
        data_prefix=dict(img='images/'),
        metainfo=metainfo,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(256, 256), keep_ratio=True),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
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

train_cfg = dict(max_epochs=epochs, val_interval=epochs)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.05, fused=True),
    clip_grad=dict(max_norm=10),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=36),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=1,
        end=epochs,
        T_max=epochs - 1,
        eta_min=1e-5,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(
    checkpoint=dict(interval=epochs // 2, max_keep_ckpts=2), logger=dict(interval=12)
)
randomness = dict(seed=0)

lottery = dict(target_sparsity=0.98, sparsities=[0.5, 0.8, 0.9, 0.95, 0.98], rewind='1ep')
