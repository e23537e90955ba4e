# Self-supervised pre-training for studies of transfer: MoCo v2, a ResNet-18 of half the width.
# On the crops of resnet18_crops_study.py, without their labels.
_base_ = ['./mocov2_resnet18_crops_imp.py', '../../_base_/datasets/crops_hard.py']

size = 32
epochs = 100

model = dict(
    backbone=dict(stem_channels=32, base_channels=32),
    neck=dict(in_channels=256, hid_channels=256),
)

view = [
    dict(type='RandomResizedCrop', scale=size, crop_ratio_range=(0.2, 1.0)),
    *_base_.view[1:],
]
train_dataloader = dict(
    dataset=dict(
        data_root={{_base_.crops_root}},
        metainfo=None,
        classes={{_base_.crops_classes}},
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='MultiView', num_views=2, transforms=[view]),
            dict(type='PackInputs'),
        ],
    )
)

train_cfg = dict(max_epochs=epochs)
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        end=epochs,
        T_max=epochs,
        convert_to_iter_based=True,
    )
]
default_hooks = dict(checkpoint=dict(interval=epochs // 2))

lottery = dict(
    target_sparsity=0.95,
    rounds=None,
    sparsities=[0.53, 0.85, 0.95],
    targets=dict(_delete_=True, exclude=['neck.*']),
)
