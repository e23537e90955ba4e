# Faster R-CNN R18-C4 on VOC07 as in Girish et al. (CVPR 2021).
# Batch 12, 12 epochs, learning rate 0.01 divided by 10 at epoch 11, warm-up and late rewinding at
# iteration 600. The RPN (512 channels, 9 anchors, softmax) follows from the shares in Table 3;
# docs/en/how_to/recipes.md has the sums.
_base_ = [
    'mmdet::_base_/models/faster-rcnn_r50-caffe-c4.py',
    'mmdet::_base_/datasets/voc0712.py',
    'mmdet::_base_/schedules/schedule_1x.py',
    'mmdet::_base_/default_runtime.py',
    '../../_base_/lth/s1_voc.py',
]

model = dict(
    data_preprocessor=dict(
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
    ),
    backbone=dict(
        depth=18,
        style='pytorch',
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18'),
    ),
    rpn_head=dict(
        in_channels=256,
        feat_channels=512,
        anchor_generator=dict(scales=[8, 16, 32]),
        loss_cls=dict(use_sigmoid=False),
    ),
    roi_head=dict(
        shared_head=dict(
            depth=18,
            style='pytorch',
            init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18'),
        ),
        bbox_roi_extractor=dict(out_channels=256),
        bbox_head=dict(in_channels=512, num_classes=20),
    ),
)

train_dataloader = dict(
    batch_size=12,
    dataset=dict(
        _delete_=True,
        type='VOCDataset',
        data_root={{_base_.data_root}},
        ann_file='VOC2007/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        filter_cfg=dict(filter_empty_gt=True, min_size=32, bbox_min_size=32),
        pipeline={{_base_.train_pipeline}},
    ),
)

optim_wrapper = dict(optimizer=dict(lr=0.01))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=600),
    dict(type='MultiStepLR', by_epoch=True, begin=0, end=12, milestones=[11], gamma=0.1),
]
default_hooks = dict(checkpoint=dict(max_keep_ckpts=2))
