# Supervised pre-training for studies of transfer: a ResNet-18 of half the width, on hard crops.
# Its tickets go to Faster R-CNN on blood cells, Mask R-CNN on nuclei and heatmaps of a mouse:
# tools/study/transfers.sh runs them.
_base_ = ['./resnet18_crops_imp.py', '../../_base_/datasets/crops_hard.py']

size = 32
epochs = 60

model = dict(
    backbone=dict(stem_channels=32, base_channels=32),
    head=dict(in_channels=256, num_classes={{_base_.crops_class_count}}),
)
data_preprocessor = dict(num_classes={{_base_.crops_class_count}})

dataset = dict(data_root={{_base_.crops_root}}, metainfo=None, classes={{_base_.crops_classes}})
train_dataloader = dict(
    dataset=dict(
        **dataset,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='RandomResizedCrop', scale=size, crop_ratio_range=(0.4, 1.0)),
            dict(type='RandomFlip', prob=0.5, direction='horizontal'),
            dict(type='ColorJitter', brightness=0.3, contrast=0.3, saturation=0.3),
            dict(type='PackInputs'),
        ],
    )
)
val_dataloader = dict(
    dataset=dict(
        **dataset,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='CenterCrop', crop_size=size),
            dict(type='PackInputs'),
        ],
    )
)
test_dataloader = val_dataloader

train_cfg = dict(max_epochs=epochs, val_interval=epochs)
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=14)  # an epoch, to whose end rounds rewind
param_scheduler[1].update(end=epochs, T_max=epochs)
default_hooks = dict(checkpoint=dict(interval=epochs // 2))

lottery = dict(
    target_sparsity=0.95,
    rounds=None,
    sparsities=[0.53, 0.85, 0.95],
    targets=dict(_delete_=True),  # the backbone, its first convolution included
)
