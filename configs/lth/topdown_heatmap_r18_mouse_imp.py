# Top-down heatmap pose estimation from scratch with a ResNet-18: a mouse in an open field (the
# example of DeepLabCut, 87 frames to train on, 4 keypoints), at 128 × 128 so that a search takes
# half an hour on a busy core. The data: tools/dataset_converters/mouse.py
_base_ = [
    'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py',
    '../_base_/lth/imp.py',
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

# Sigmas of the same body parts: COCO's nose and ears, the root of the tail as in AP-10K.
metainfo = dict(
    dataset_name='mouse',
    keypoint_info={
        0: dict(name='snout', id=0, color=[255, 128, 0], type='upper', swap=''),
        1: dict(name='leftear', id=1, color=[0, 255, 0], type='upper', swap='rightear'),
        2: dict(name='rightear', id=2, color=[0, 128, 255], type='upper', swap='leftear'),
        3: dict(name='tailbase', id=3, color=[255, 0, 128], type='lower', swap=''),
    },
    skeleton_info={
        0: dict(link=('snout', 'leftear'), id=0, color=[0, 255, 0]),
        1: dict(link=('snout', 'rightear'), id=1, color=[0, 128, 255]),
        2: dict(link=('leftear', 'tailbase'), id=2, color=[0, 255, 0]),
        3: dict(link=('rightear', 'tailbase'), id=3, color=[0, 128, 255]),
    },
    joint_weights=[1.0, 1.0, 1.0, 1.0],
    sigmas=[0.026, 0.035, 0.035, 0.035],
)

data_root = 'data/mouse/'
loader = dict(batch_size=8, num_workers=0, persistent_workers=False)
dataset = dict(data_root=data_root, data_prefix=dict(img='images/'), metainfo=metainfo)
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
