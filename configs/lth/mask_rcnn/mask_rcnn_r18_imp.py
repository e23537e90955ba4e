# Mask R-CNN R18 on COCO as in Girish et al. (CVPR 2021).
_base_ = './mask_rcnn_r50_imp.py'

model = dict(
    backbone=dict(depth=18, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')),
    neck=dict(in_channels=[64, 128, 256, 512]),
)
