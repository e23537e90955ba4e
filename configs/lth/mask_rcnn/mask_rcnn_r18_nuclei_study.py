# Mask R-CNN with a ResNet-18 of half the width on nuclei, for comparisons over several seeds.
# In crops of 96 × 96. FPN and heads are narrow, so that 93 % of the weights lie in the backbone,
# of which tickets of pre-training are. It starts from a pre-training's dense weights:
# tools/study/transfers.sh runs it.
_base_ = './mask_rcnn_tiny_nuclei_imp.py'

size = (96, 96)
epochs = 16
pretrained = 'work_dirs/study/transfers/supervised/seed_0/tickets/round_00.safetensors'

model = dict(
    backbone=dict(
        stem_channels=32,
        base_channels=32,
        init_cfg=dict(
            _delete_=True, type='Pretrained', prefix='backbone.', checkpoint=pretrained
        ),
    ),
    neck=dict(in_channels=[32, 64, 128, 256]),
    roi_head=dict(bbox_head=dict(fc_out_channels=64)),
    train_cfg=dict(rpn_proposal=dict(max_per_img=150)),
    test_cfg=dict(rpn=dict(max_per_img=200)),
)

load_and_crop = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=True),
    dict(type='RandomCrop', crop_size=size),
    dict(type='FilterAnnotations', min_gt_bbox_wh=(4, 4)),
]
train_dataloader = dict(
    batch_size=8,
    pin_memory=False,
    dataset=dict(pipeline=[*load_and_crop, *_base_.train_dataloader.dataset.pipeline[2:]]),
)
val_dataloader = dict(pin_memory=False)
test_dataloader = val_dataloader

train_cfg = dict(max_epochs=epochs, val_interval=epochs)
optim_wrapper = dict(optimizer=dict(weight_decay=0.05, fused=True))
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(start_factor=0.01, end=36)  # an epoch, to whose end rounds rewind
param_scheduler[1].update(begin=1, end=epochs, T_max=epochs - 1)
default_hooks = dict(checkpoint=dict(interval=epochs // 2), logger=dict(interval=12))

lottery = dict(target_sparsity=0.98, rounds=None, sparsities=[0.5, 0.8, 0.9, 0.95, 0.98])
