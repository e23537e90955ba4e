# What MMPose needs to know of data/mouse: a mouse seen from above, four keypoints.
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
