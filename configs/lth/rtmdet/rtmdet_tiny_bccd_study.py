# RTMDet-tiny on blood cells (BCCD), for comparisons over several seeds.
# As in the papers, training starts from pre-trained weights, here those of rtmdet_tiny_nuclei.py:
# from scratch, seeds differ by more than tickets do. First of all
#     mim train mmdet configs/lth/rtmdet/rtmdet_tiny_nuclei.py \
#         --work-dir work_dirs/study/nuclei_pretrain
# then tools/study/study.py runs the searches and what they are compared with.
_base_ = './rtmdet_tiny_bccd_imp.py'

size = (128, 128)
epochs, last_epochs = 10, 2

load = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations', with_bbox=True)]
pack = [
    dict(type='RandomFlip', prob=0.5),
    dict(type='Pad', size=size, pad_val=dict(img=(114, 114, 114))),
    dict(type='PackDetInputs'),
]
train_pipeline = [
    *load,
    dict(type='RandomResize', scale=size, ratio_range=(0.8, 1.25), keep_ratio=True),
    dict(type='RandomCrop', crop_size=size),
    dict(type='YOLOXHSVRandomAug'),
    *pack,
]
last_pipeline = [*load, dict(type='Resize', scale=size, keep_ratio=True), *pack]
val_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=size, keep_ratio=True),
    dict(type='Pad', size=size, pad_val=dict(img=(114, 114, 114))),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]

train_dataloader = dict(batch_size=4, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader

train_cfg = dict(max_epochs=epochs, val_interval=2)
optim_wrapper = dict(optimizer=dict(fused=True))
param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=52)
param_scheduler[1].update(end=epochs, T_max=epochs - 1)
default_hooks = dict(checkpoint=dict(interval=5), logger=dict(interval=52))
custom_hooks = _base_.custom_hooks
custom_hooks[1].update(switch_epoch=epochs - last_epochs, switch_pipeline=last_pipeline)

# The list of sparsities is the study's, at which methods are compared.
lottery = dict(target_sparsity=0.98, rounds=None, sparsities=[0.5, 0.8, 0.9, 0.95, 0.98])

load_from = 'work_dirs/study/nuclei_pretrain/epoch_24.pth'
