# Top-down heatmap pose estimation from scratch with a ResNet-18: a mouse in an open field.
# The example of DeepLabCut, 87 frames to train on, 4 keypoints, at 128 × 128 so that a search takes
# half an hour on a busy core. The data: tools/dataset_converters/mouse.py
_base_ = [
    'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py',
    '../../_base_/datasets/mouse.py',
    '../../_base_/lth/imp.py',
]

codec = dict(type='MSRAHeatmap', input_size=(128, 128), heatmap_size=(32, 32), sigma=2)
model = dict(
    backbone=dict(depth=18, init_cfg=None),
    head=dict(
        in_channels=512,
        out_channels=4,
        deconv_out_channels=(64, 64, 64),
        decoder=codec,
    ),
)

data_root = 'data/mouse/'
loader = dict(batch_size=8, num_workers=0, persistent_workers=False)
dataset = dict(data_root=data_root, data_prefix=dict(img='images/'), metainfo={{_base_.metainfo}})
train_dataloader = dict(
    **loader,
    dataset=dict(
        **dataset,
        ann_file='annotations/train.json',
        pipeline=[
            dict(type='LoadImage'),
            dict(type='GetBBoxCenterScale'),
            dict(type='RandomFlip', direction='horizontal'),
            dict(type='RandomBBoxTransform', scale_factor=(0.9, 1.1), rotate_factor=30),
            dict(type='TopdownAffine', input_size=codec['input_size']),
            dict(type='GenerateTarget', encoder=codec),
            dict(type='PackPoseInputs'),
        ],
    ),
)
val_dataloader = dict(
    **loader,
    dataset=dict(
        **dataset,
        ann_file='annotations/val.json',
        bbox_file=None,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='GetBBoxCenterScale'),
            dict(type='TopdownAffine', input_size=codec['input_size']),
            dict(type='PackPoseInputs'),
        ],
    ),
)
val_evaluator = dict(ann_file=data_root + 'annotations/val.json')
test_dataloader = val_dataloader
test_evaluator = val_evaluator

epochs = 20
train_cfg = dict(max_epochs=epochs, val_interval=epochs)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=20),
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
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=2), logger=dict(interval=10))
randomness = dict(seed=0)

lottery = dict(target_sparsity=0.9, rounds=6, rewind='1ep')
