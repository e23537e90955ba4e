# DeepLabv3+ R50 on VOC 2012 with the schedule of Chen et al. (CVPR 2021).
# 30,000 iterations of batch 4, learning rate 0.01, × 0.1 after 18,000 and 22,000. The backbone is
# the plain ResNet-50 that their tickets are of. The head is MMSegmentation's, perhaps not theirs,
# with an auxiliary one that is of training alone.
_base_ = [
    'mmseg::_base_/models/deeplabv3plus_r50-d8.py',
    'mmseg::_base_/datasets/pascal_voc12.py',
    'mmseg::_base_/schedules/schedule_20k.py',
    'mmseg::_base_/default_runtime.py',
    '../../_base_/lth/s2_downstream.py',
]

model = dict(
    data_preprocessor=dict(size=(512, 512)),
    pretrained=None,
    backbone=dict(
        type='ResNet', init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet50')
    ),
    decode_head=dict(num_classes=21),
    auxiliary_head=dict(num_classes=21),
)

train_cfg = dict(max_iters=30000)
param_scheduler = [dict(type='MultiStepLR', milestones=[18000, 22000], gamma=0.1, by_epoch=False)]
default_hooks = dict(checkpoint=dict(max_keep_ckpts=2, save_best='mIoU'))
