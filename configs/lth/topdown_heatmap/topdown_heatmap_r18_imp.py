# Top-down heatmap pose estimation with a ResNet-18 on COCO keypoints, rewound to 5 % of training.
_base_ = './topdown_heatmap_r50_imp.py'

model = dict(
    backbone=dict(depth=18, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')),
    head=dict(in_channels=512),
)
