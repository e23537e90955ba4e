# Faster R-CNN with a ResNet-18 of half the width on blood cells, for comparisons over seeds.
# At 96 × 96; backbone, FPN and box head are those of the Mask R-CNN on nuclei.
_base_ = '../mask_rcnn/mask_rcnn_r18_nuclei_study.py'

size = (96, 96)

model = dict(
    type='FasterRCNN',
    roi_head=dict(bbox_head=dict(num_classes=3), mask_roi_extractor=None, mask_head=None),
)

data_root = 'data/bccd/'
metainfo = dict(classes=('RBC', 'WBC', 'Platelets'))
train_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(type='RandomResize', scale=size, ratio_range=(0.8, 1.25), keep_ratio=True),
            dict(type='RandomCrop', crop_size=size),
            dict(type='YOLOXHSVRandomAug'),
            dict(
                type='RandomFlip',
                prob=[0.25, 0.25, 0.25],
                direction=['horizontal', 'vertical', 'diagonal'],
            ),
            dict(type='PackDetInputs'),
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=size, keep_ratio=True),
            dict(type='LoadAnnotations', with_bbox=True),
            dict(
                type='PackDetInputs',
                meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
            ),
        ],
    ),
)
val_evaluator = dict(ann_file=data_root + 'annotations/val.json', metric='bbox')
test_dataloader = val_dataloader
test_evaluator = val_evaluator

param_scheduler = _base_.param_scheduler
param_scheduler[0].update(end=26)  # an epoch, to whose end rounds rewind
