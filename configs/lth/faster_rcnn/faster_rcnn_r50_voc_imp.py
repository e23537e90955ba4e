# As faster_rcnn_r18_voc_imp.py, with a ResNet-50.
_base_ = './faster_rcnn_r18_voc_imp.py'

pretrained = dict(type='Pretrained', checkpoint='torchvision://resnet50')
model = dict(
    backbone=dict(depth=50, init_cfg=pretrained),
    rpn_head=dict(in_channels=1024),
    roi_head=dict(
        shared_head=dict(depth=50, init_cfg=pretrained),
        bbox_roi_extractor=dict(out_channels=1024),
        bbox_head=dict(in_channels=2048),
    ),
)
