# A small Mask R-CNN, that of the demo, from scratch on stained nuclei.
# 288 tiles of 256 × 256 to train on, 30 to 120 objects each.
# The data: tools/dataset_converters/nuclei.py
_base_ = './mask_rcnn_tiny_shapes_imp.py'

# Objects are small and many.
model = dict(
    roi_head=dict(
        bbox_roi_extractor=dict(finest_scale=28),
        bbox_head=dict(num_classes=1),
        mask_roi_extractor=dict(finest_scale=28),
        mask_head=dict(num_classes=1),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=128)),
        rpn_proposal=dict(nms_pre=300, max_per_img=200),
    ),
    test_cfg=dict(rpn=dict(nms_pre=300, max_per_img=200), rcnn=dict(max_per_img=150)),
)

data_root = 'data/nuclei/'
metainfo = dict(classes=('nucleus',))
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=True),
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
    batch_size=4,
    dataset=dict(
        data_root=data_root,
        metainfo=metainfo,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(256, 256), keep_ratio=True),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(
                type='PackDetInputs',
                meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
            ),
        ],
    ),
)
val_evaluator = dict(ann_file=data_root + 'annotations/val.json')
test_dataloader = val_dataloader
test_evaluator = val_evaluator

epochs = 6
train_cfg = dict(max_epochs=epochs, val_interval=epochs)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=72),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        end=epochs,
        T_max=epochs,
        eta_min=1e-5,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(checkpoint=dict(interval=3), logger=dict(interval=24))

lottery = dict(target_sparsity=0.8, rounds=4, rewind='1ep')
