# Self-supervised pre-training as in Chen et al. (CVPR 2021): MoCo v2, ResNet-18, crops of objects.
# At 64 × 64, from scratch, so that a search takes about half an hour on two cores. Their choice of
# weights: all of the backbone but conv1, shortcuts included; the neck stays dense. The key encoder
# is an average of backbone and neck, pruned where they are.
# The data: tools/dataset_converters/crops.py
_base_ = [
    'mmpretrain::mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py',
    '../../_base_/datasets/crops.py',
    '../../_base_/lth/imp.py',
]

model = dict(
    queue_len=512,
    momentum=0.01,  # an epoch is 28 steps
    backbone=dict(depth=18),
    neck=dict(in_channels=512, hid_channels=512),
)

view = [
    dict(type='RandomResizedCrop', scale=64, crop_ratio_range=(0.2, 1.0)),
    dict(
        type='RandomApply',
        transforms=[
            dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
        ],
        prob=0.8,
    ),
    dict(
        type='RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    dataset=dict(
        _delete_=True,
        type='CustomDataset',
        data_root='data/crops/',
        data_prefix='images/',
        ann_file='annotations/train.txt',
        metainfo={{_base_.metainfo}},
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='MultiView', num_views=2, transforms=[view]),
            dict(type='PackInputs'),
        ],
    ),
)

epochs = 10
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
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=2), logger=dict(interval=10))
randomness = dict(seed=0)

lottery = dict(
    target_sparsity=0.9,
    rounds=3,
    rewind='1ep',
    targets=dict(scope='s2'),
)
