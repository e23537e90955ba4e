"""The size that validated images have, from the pipelines of real configs and of odd ones."""

import pytest
from repository import ROOT

from mmlth.engine import read_config
from mmlth.engine.configs.image_size import ImageSize, validation_size


@pytest.mark.parametrize(
    ('name', 'size'),
    [
        ('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py', ImageSize(800, 1333, at_most=True)),
        ('mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py', ImageSize(640, 640)),
        ('mmdet::yolox/yolox_tiny_8xb8-300e_coco.py', ImageSize(416, 416)),
        ('mmdet::ssd/ssd300_coco.py', ImageSize(300, 300)),
        ('mmdet::fast_rcnn/fast-rcnn_r50_fpn_1x_coco.py', ImageSize(800, 1333, at_most=True)),
        (
            'mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-m_8xb256-420e_coco-256x192.py',
            ImageSize(256, 192),
        ),
        (
            'mmpose::body_2d_keypoint/dekr/coco/dekr_hrnet-w32_8xb10-140e_coco-512x512.py',
            ImageSize(512, 512),
        ),
        (ROOT / 'configs/lth/rtmdet/rtmdet_tiny_bccd_imp.py', ImageSize(192, 192)),
    ],
)
def test_configs_of_the_packages(name, size):
    assert validation_size(read_config(name)) == size


def of(*steps, **dataset):
    return validation_size({'val_dataloader': {'dataset': {'pipeline': list(steps), **dataset}}})


def test_the_last_transform_counts():
    small, large = ({'type': 'Resize', 'scale': s, 'keep_ratio': True} for s in ((64, 32), (9, 8)))
    assert of(large, small) == ImageSize(32, 64, at_most=True)
    assert of({'type': 'mmdet.Resize', 'scale': 50}) == ImageSize(50, 50)
    assert of(small, {'type': 'Pad', 'size': (70, 40)}) == ImageSize(40, 70)
    assert of(small, {'type': 'Pad', 'size_divisor': 32}) == ImageSize(32, 64, at_most=True)
    assert of(small, {'type': 'Pad', 'pad_to_square': True}) == ImageSize(64, 64)
    edge = {'type': 'ResizeEdge', 'scale': 236, 'edge': 'short'}
    assert of(edge, {'type': 'CenterCrop', 'crop_size': 224}) == ImageSize(224, 224)


@pytest.mark.parametrize(
    'steps',
    [
        [],
        [{'type': 'LoadImageFromFile'}],
        [{'type': 'Resize', 'scale': (64, 64)}, {'type': 'ResizeEdge', 'scale': 236}],
        [{'type': 'Resize', 'scale': (64, 64)}, {'type': 'Resize', 'scale_factor': 0.5}],
        [{'type': 'Resize', 'scale': (0.5, 0.5)}],
    ],
)
def test_unknown_sizes_are_told(steps):
    assert 'does not resize images to one size' in of(*steps)


def test_data_sets_that_are_joined():
    small, large = ([{'type': 'Resize', 'scale': (side, side)}] for side in (64, 96))
    assert of(*small, datasets=[{'pipeline': []}, {'pipeline': small}]) == ImageSize(64, 64)
    assert 'several sizes, 64 × 64 and 96 × 96' in of(*small, datasets=[{'pipeline': large}])
    for config in ({}, {'val_dataloader': None}):
        assert 'does not resize' in validation_size(config)
