"""A random batch for any model of the zoos, as its own data set would give it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

SIZES = dict(
    lraspp=512,
    ddod=384,
    cornernet=256,
    centripetalnet=256,
    ssd300=300,
    dino=256,
    ddq=256,
    twostage=256,
)
"""Side of the images in pixels where layers do not fit `SIDE`, by a part of the name."""
SIDE = 128
IMAGES = 2
OBJECTS = 3


def random_batch(name: str, config: Config, seed: int = 0) -> dict[str, Any]:
    """What the train loader of a config would hand to ``model.train_step``.

    Args:
        name: ``mmdet::…``, ``mmpose::…`` or ``mmseg::…``.
        config: The config of that name.
        seed: Decides pixels, boxes, masks and keypoints.
    """
    np.random.seed(seed)
    torch.manual_seed(seed)
    if name.startswith('mmpose::'):
        return _pose_batch(config)
    side = side_of(name)
    if name.startswith('mmseg::'):
        return _semantic_batch(config, side)
    kind = str(config.model.type).rpartition('.')[2]
    if kind == 'BaseReID':
        return _reid_batch(config)
    if kind == 'SoftTeacher':
        return _semi_supervised_batch(config, side)
    if _is_tracker(config) and not config.model.data_preprocessor.get('use_det_processor'):
        return _video_batch(config, side)
    return _detection_batch(config, side)


def side_of(name: str) -> int:
    """The side of the images for a detector or segmenter, in pixels.

    Args:
        name: The name of its config.
    """
    return next((size for part, size in SIZES.items() if part in name), SIDE)


def _semantic_batch(config: Config, side: int) -> dict[str, Any]:
    """Images in blocks of classes."""
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    classes = max(2, _smallest(config.model, 'num_classes'))  # one class: it, or not
    samples = []
    for _ in range(IMAGES):
        blocks = torch.randint(0, classes, (1, 8, 8))
        labels = blocks.repeat_interleave(side // 8, 1).repeat_interleave(side // 8, 2)
        sample = SegDataSample(gt_sem_seg=PixelData(data=labels))
        edges = (labels != labels.roll(1, 1)) | (labels != labels.roll(1, 2))
        sample.set_data({'gt_edge_map': PixelData(data=edges.to(torch.uint8))})  # for PIDNet
        sample.set_data({'gt_depth_map': PixelData(data=torch.rand(1, side, side) + 1)})
        sizes = dict.fromkeys(('ori_shape', 'img_shape', 'pad_shape'), (side, side))
        sample.set_metainfo({**sizes, 'category_id': 0})
        samples.append(sample)
    images = [torch.randint(0, 256, (3, side, side), dtype=torch.uint8) for _ in samples]
    return {'inputs': images, 'data_samples': samples}


def _detection_batch(config: Config, side: int) -> dict[str, Any]:
    from mmdet.testing import demo_mm_inputs, demo_mm_proposals

    loader = str(config.train_dataloader).replace("'", '').replace(': ', '=')
    panoptic = _smallest(config.model, 'num_stuff_classes') > 0
    stride = 1 if panoptic and 'Former' in str(config.model.type) else 8
    if str(config.model.type) == 'PanopticFPN':
        stride = 4
    batch = demo_mm_inputs(
        IMAGES,
        (3, side, side),
        num_items=[OBJECTS] * IMAGES,
        num_classes=max(2, _smallest(config.model, 'num_classes', 'num_things_classes')),
        with_mask='with_mask=True' in loader or 'Panoptic' in loader,
        with_semantic='with_seg=True' in loader or 'Panoptic' in loader,
        sem_seg_output_strides=stride,
        use_box_type=True,
    )
    one_class = _smallest(config.model, 'num_classes', 'num_things_classes') == 1
    for sample in batch['data_samples']:
        sample.set_metainfo({'batch_input_shape': (side, side), 'pad_shape': (side, side)})
        if one_class:
            sample.gt_instances.labels.zero_()
    if str(config.model.type) == 'FastRCNN':
        proposals = demo_mm_proposals([(3, side, side)] * IMAGES, 20)
        for sample, proposal in zip(batch['data_samples'], proposals):
            sample.proposals = proposal
    return batch


def _semi_supervised_batch(config: Config, side: int) -> dict[str, Any]:
    branches = {
        branch: _detection_batch(config, side)
        for branch in ('sup', 'unsup_teacher', 'unsup_student')
    }
    for batch in branches.values():
        for sample in batch['data_samples']:
            sample.set_metainfo({'homography_matrix': np.eye(3, dtype=np.float32)})
    return {
        key: {branch: batch[key] for branch, batch in branches.items()}
        for key in ('inputs', 'data_samples')
    }


def _reid_batch(config: Config) -> dict[str, Any]:
    """Two images of each of two people; the head is made for images of 256 × 128."""
    from mmdet.structures import ReIDDataSample

    sample = ReIDDataSample(metainfo={'img_shape': (256, 128)})
    sample.set_gt_label([0, 0, 1, 1])
    people = torch.randint(0, 255, (4, 3, 256, 128), dtype=torch.uint8)
    return {'inputs': [people], 'data_samples': [sample]}


def _is_tracker(config: Config) -> bool:
    return 'TrackDataPreprocessor' in str(config.model.get('data_preprocessor', {}).get('type'))


def _video_batch(config: Config, side: int) -> dict[str, Any]:
    from mmdet.testing import demo_track_inputs

    batch = demo_track_inputs(
        batch_size=1,
        num_frames=2,
        key_frames_inds=[0],
        image_shapes=[(3, side, side)],
        num_items=[OBJECTS],
        num_classes=_smallest(config.model, 'num_classes', 'num_things_classes'),
        with_mask=True,
    )
    # Objects are the same in both frames.
    for sample in batch['data_samples']:
        for frame in sample.video_data_samples:
            frame.gt_instances.instances_ids = torch.arange(OBJECTS)
    return batch


def _pose_batch(config: Config) -> dict[str, Any]:
    """Random people, encoded by the config's own codec and packed by its own pipeline."""
    from mmpose.registry import TRANSFORMS

    transforms = [
        TRANSFORMS.build(step)
        for step in _pipeline(config)
        if str(step['type']) in ('GenerateTarget', 'PackPoseInputs', 'YOLOXPosePack')
    ]
    samples = []
    for _ in range(IMAGES):
        sample = _people(config)
        if str(config.model.type) == 'PoseLifter':
            del sample['img']  # it lifts keypoints
        for transform in transforms:
            sample = transform(sample)
        samples.append(sample)
    return pseudo_collate(samples)


def _pipeline(config: Config) -> list[Any]:
    """All transforms of the training data, those of a data set within a data set first."""
    steps = []
    dataset = config.train_dataloader.dataset
    while dataset is not None:
        steps = [*dataset.get('pipeline', []), *steps]
        dataset = dataset.get('dataset') or next(iter(dataset.get('datasets') or []), None)
    if not steps:
        raise ValueError('its config has no training pipeline')
    return steps


def _people(config: Config) -> dict[str, Any]:
    codec = config.get('codec') or next(iter(_values(config.to_dict(), 'encoder')), {})
    codec = codec[0] if isinstance(codec, (list, tuple)) else codec
    size = codec.get('input_size') or codec.get('image_size') or config.get('input_size')
    width, height = size or (192, 256)
    joints = _keypoints(config)
    kind = codec.get('type')
    people = OBJECTS if config.get('data_mode') == 'bottomup' else 1
    people = config.train_dataloader.dataset.get('seq_len', people)  # poses of one, in time
    low, high = np.array([0.2, 0.2]), np.array([0.8, 0.8])
    keypoints = np.random.uniform(low, high, (people, joints, 2)) * (width, height)
    keypoints = keypoints.astype(np.float32)
    boxes = np.concatenate([keypoints.min(1), keypoints.max(1)], 1)
    if kind == 'Hand3DHeatmap':
        keypoints = np.concatenate([keypoints, np.zeros_like(keypoints[..., :1])], -1)
    corners = boxes[:, [0, 1, 2, 1, 0, 3, 2, 3]].reshape(people, 4, 2)
    lifted = np.random.uniform(-1, 1, (1, joints, 3)).astype(np.float32)
    return {
        'img': np.random.randint(0, 255, (height, width, 3), np.uint8),
        'img_id': 0,
        'id': 0,
        'img_path': '',
        'category_id': np.ones(people, int),
        'ori_shape': (height, width),
        'img_shape': (height, width),
        'input_size': (width, height),
        'input_center': np.array([width / 2, height / 2]),
        'input_scale': np.array([width, height]),
        'flip_indices': list(range(joints)),
        'bbox': corners if kind == 'DecoupledHeatmap' else boxes,
        'bbox_labels': np.zeros(people, int),
        'bbox_score': np.ones(people, np.float32),
        'bbox_scale': np.ones((people, 2), np.float32),
        'area': np.prod(boxes[:, 2:] - boxes[:, :2], 1),
        'keypoints': keypoints,
        'keypoints_visible': np.ones((people, joints), np.float32),
        'dataset_keypoint_weights': np.ones(joints, np.float32),
        'warp_mat': np.eye(2, 3, dtype=np.float32),
        'lifting_target': lifted,
        'lifting_target_visible': np.ones((1, joints), np.float32),
        'keypoints_3d': lifted,
        'camera_param': {'f': np.ones((2, 1)), 'c': np.ones((2, 1)), 'w': 1000, 'h': 1000},
        'factor': np.ones(1, np.float32),
        'rel_root_depth': np.float32(0),
        'rel_root_valid': 1.0,
        'hand_type': np.array([[1, 0]], np.float32),
        'hand_type_valid': np.ones(1, np.float32),
        'focal': np.ones(2, np.float32),
        'principal_pt': np.zeros(2, np.float32),
        'target_img_path': '',
    }


def _keypoints(config: Config) -> int:
    if config.model.type == 'DWPoseDistiller':
        return 133  # its student is in another config; whole bodies
    head = config.model.head
    decoder = head.get('decoder') or {}
    if decoder.get('heatmap_type') == 'combined':
        return int(head['out_channels']) // 3  # a heat map and two offsets each
    if decoder.get('type') == 'Hand3DHeatmap':
        return 42  # of two hands
    for key in ('num_keypoints', 'num_joints', 'out_channels'):
        result = [value for value in _values(dict(head), key) if isinstance(value, int)]
        if result:
            return result[0]
    return 17


def _smallest(config: Any, *keys: str) -> int:
    """The smallest value of these keys anywhere in a config; RPNs count objects as one class."""
    result = [
        value
        for key in keys
        for value in _values(config, key)
        if isinstance(value, int) and value > 0
    ]
    return min(result, default=0)


def _values(config: Any, key: str) -> Iterator[Any]:
    if isinstance(config, dict):
        for name, value in config.items():
            if name == key:
                yield value
            elif name != 'rpn_head':
                yield from _values(value, key)
    elif isinstance(config, (list, tuple)):
        for item in config:
            yield from _values(item, key)
