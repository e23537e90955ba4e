# The nearest in MMDetection to the YOLOv4 with a ResNet-50 of Chen et al. (CVPR 2021): YOLOv3.
# On the same backbone, on VOC07+12 for 50 epochs of batch 8, cosine decay of the learning rate from
# 1e-4 to 1e-6, weight decay 5e-4. Images are normalised as the backbone was pre-trained.
_base_ = [
    'mmdet::yolo/yolov3_d53_8xb8-ms-416-273e_coco.py',
    '../../_base_/lth/s2_downstream.py',
]

mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
model = dict(
    data_preprocessor=dict(mean=mean, std=std),
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=50,
        out_indices=(1, 2, 3),
        norm_eval=False,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50'),
    ),
    neck=dict(in_channels=[2048, 1024, 512]),
    bbox_head=dict(num_classes=20),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Expand', mean=mean, to_rgb=True, ratio_range=(1, 2)),
    dict(
        type='MinIoURandomCrop',
        min_ious=(0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        min_crop_size=0.3,
    ),
    dict(type='RandomResize', scale=[(320, 320), (416, 416)], keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackDetInputs'),
]
voc = dict(type='VOCDataset', data_root='data/VOCdevkit/')
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        ignore_keys=['dataset_type'],
        datasets=[
            dict(
                **voc,
                ann_file=f'{year}/ImageSets/Main/trainval.txt',
                data_prefix=dict(sub_data_root=f'{year}/'),
                filter_cfg=dict(filter_empty_gt=True, min_size=32),
                pipeline=train_pipeline,
            )
            for year in ('VOC2007', 'VOC2012')
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        **voc,
        ann_file='VOC2007/ImageSets/Main/test.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        test_mode=True,
        pipeline={{_base_.test_pipeline}},
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='VOCMetric', metric='mAP', eval_mode='11points')
test_evaluator = val_evaluator

epochs = 50
train_cfg = dict(max_epochs=epochs, val_interval=5)
optim_wrapper = dict(optimizer=dict(lr=1e-4, weight_decay=5e-4))
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-6,
        by_epoch=True,
        begin=0,
        end=epochs,
        T_max=epochs,
        convert_to_iter_based=True,
    )
]
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=2, save_best='auto'))
