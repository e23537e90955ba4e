# Heatmaps of a mouse by a ResNet-18 of half the width, for comparisons over several seeds.
# At 96 × 96. It starts from a pre-training's dense weights: tools/study/transfers.sh runs it.
_base_ = './topdown_heatmap_r18_mouse_imp.py'

codec = dict(type='MSRAHeatmap', input_size=(96, 96), heatmap_size=(24, 24), sigma=1.5)
epochs = 60
pretrained = 'work_dirs/study/transfers/supervised/seed_0/tickets/round_00.safetensors'

model = dict(
    backbone=dict(
        stem_channels=32,
        base_channels=32,
        init_cfg=dict(
            _delete_=True, type='Pretrained', prefix='backbone.', checkpoint=pretrained
        ),
    ),
    head=dict(in_channels=256, deconv_out_channels=(32, 32, 32), decoder=codec),
)

pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', scale_factor=(0.9, 1.1), rotate_factor=30),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
val_dataloader = dict(dataset=dict(pipeline=[*pipeline[:2], pipeline[4], pipeline[6]]))
test_dataloader = val_dataloader
val_evaluator = [
    _base_.val_evaluator,
    dict(type='PCKAccuracy', thr=0.1, norm_item='bbox'),
]
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=epochs, val_interval=epochs)
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=11)  # an epoch, to whose end rounds rewind
param_scheduler[1].update(end=epochs, T_max=epochs)
default_hooks = dict(checkpoint=dict(interval=epochs // 2))

lottery = dict(target_sparsity=0.98, rounds=None, sparsities=[0.5, 0.8, 0.9, 0.95, 0.98])
