"""A config of MMPose for generated shapes: five keypoints of circles, squares and triangles."""

POSE = """
_base_ = 'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py'
custom_imports = dict(imports=['mmlth'], allow_failed_imports=False)
lottery = dict(target_sparsity=0.5, rounds=1)

keypoints = {keypoints!r}
metainfo = dict(
    dataset_name='shapes',
    keypoint_info={{
        i: dict(
            name=name, id=i, color=[0, 0, 0], type='',
            swap=dict(left='right', right='left').get(name, ''),
        )
        for i, name in enumerate(keypoints)
    }},
    skeleton_info={{}},
    joint_weights=[1.0] * len(keypoints),
    sigmas=[0.05] * len(keypoints),
)
codec = dict(
    type='MSRAHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=1
)
model = dict(
    backbone=dict(depth=18, init_cfg=None),
    head=dict(in_channels=512, out_channels=len(keypoints), decoder=codec),
)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]
data = dict(data_root='{root}/', data_prefix=dict(img='images/'), metainfo=metainfo)
loader = dict(batch_size=4, num_workers=0, persistent_workers=False)
train_dataloader = dict(
    **loader, dataset=dict(**data, ann_file='annotations/train.json', pipeline=train_pipeline)
)
val_dataloader = dict(
    **loader,
    dataset=dict(
        **data, ann_file='annotations/val.json', bbox_file=None, pipeline=val_pipeline
    ),
)
val_evaluator = dict(ann_file='{root}/annotations/val.json')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
train_cfg = dict(max_epochs=2, val_interval=2)
"""
