# Faster R-CNN R50-FPN on VOC07+12 with the schedule of Chen et al. (CVPR 2021).
# 24,000 iterations of batch 4, learning rate 0.005, polynomial decay. The FPN is MMDetection's,
# perhaps not theirs.
_base_ = [
    'mmdet::pascal_voc/faster-rcnn_r50_fpn_1x_voc0712.py',
    '../../_base_/lth/s2_downstream.py',
]

train_dataloader = dict(
    batch_size=4, sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True)
)
iterations = 24000
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=iterations, val_interval=2000)
optim_wrapper = dict(optimizer=dict(lr=0.005))
param_scheduler = [
    dict(type='PolyLR', power=0.9, eta_min=0, by_epoch=False, begin=0, end=iterations)
]
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=2000, max_keep_ckpts=2, save_best='auto')
)
log_processor = dict(by_epoch=False)
