# Supervised pre-training as in Chen et al. (CVPR 2021): a ResNet-18 classifies crops of objects.
# At 64 × 64, from scratch, so that a search takes about 20 minutes on two cores. Their choice of
# weights: all of the backbone but conv1, shortcuts included, and no head.
# The data: tools/dataset_converters/crops.py
_base_ = [
    'mmpretrain::_base_/models/resnet18.py',
    'mmpretrain::_base_/default_runtime.py',
    '../../_base_/datasets/crops.py',
    '../../_base_/lth/imp.py',
]

model = dict(head=dict(num_classes=8, topk=(1,)))
data_preprocessor = dict(
    num_classes=8,
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    to_rgb=True,
)

loader = dict(
    batch_size=32,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    collate_fn=dict(type='default_collate'),
)
dataset = dict(
    type='CustomDataset',
    data_root='data/crops/',
    data_prefix='images/',
    metainfo={{_base_.metainfo}},
)
train_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        **dataset,
        ann_file='annotations/train.txt',
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='RandomResizedCrop', scale=64, crop_ratio_range=(0.4, 1.0)),
            dict(type='RandomFlip', prob=0.5, direction='horizontal'),
            dict(type='PackInputs'),
        ],
    ),
)
val_dataloader = dict(
    **loader,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **dataset,
        ann_file='annotations/val.txt',
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='CenterCrop', crop_size=64),
            dict(type='PackInputs'),
        ],
    ),
)
val_evaluator = [
    dict(type='Accuracy', topk=(1,)),
    # Of all classes alike: those of COCO128 have few pictures.
    dict(type='SingleLabelMetric', items=('precision', 'recall', 'f1-score')),
]
test_dataloader = val_dataloader
test_evaluator = val_evaluator

epochs = 10
train_cfg = dict(by_epoch=True, max_epochs=epochs, val_interval=epochs)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=1e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=29),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        end=epochs,
        T_max=epochs,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=2), logger=dict(interval=10))
randomness = dict(seed=0)

lottery = dict(
    target_sparsity=0.9,
    rounds=4,
    rewind='1ep',
    targets=dict(scope='s2'),
)
