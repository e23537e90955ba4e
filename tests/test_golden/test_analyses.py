"""Analyses beside tidecv, pycocotools, coco-analyze, lvis, fvcore and torchvision."""

from collections import Counter

import numpy as np
import pytest
import torch
import torchvision
from golden_files import values
from pycocotools import mask as masks

from mmlth.analysis.detection import CocoRules, average_precision, match_detections
from mmlth.analysis.detection.tide import tide
from mmlth.analysis.keypoints import KeypointRules, Skeleton, keypoint_errors, read_scenes
from mmlth.analysis.keypoints.similarity import instance_similarities
from mmlth.pruning import count_macs

TIDE = values('tide')['sets']
KEYPOINTS = values('keypoints')


@pytest.mark.parametrize('number', range(len(TIDE)))
def test_tide(number):
    stored = TIDE[number]
    for expected in stored['expected']:
        errors = tide(
            stored['ground_truth'],
            {'dense': stored['detections']},
            expected['kind'],
            (expected['foreground'], expected['background']),
        ).models['dense']
        assert errors.ap == expected['ap']
        assert errors.main == expected['main']
        assert errors.special == expected['special']
        assert {k: n for k, n in errors.counts.items() if n} == expected['counts']


def skeleton():
    joints, mirror = KEYPOINTS['joints'], KEYPOINTS['mirror']
    pairs = tuple((joints[i], joints[j]) for i, j in enumerate(mirror) if i < j)
    return Skeleton(tuple(joints), tuple(KEYPOINTS['sigmas']), pairs)


@pytest.mark.parametrize('number', range(len(KEYPOINTS['sets'])))
def test_oks(number):
    stored = KEYPOINTS['sets'][number]
    scenes = read_scenes(
        stored['ground_truth'], stored['detections'], skeleton(), (0, 1e10), 10_000
    )
    row_of = dict(enumerate(_rows(stored['detections'])))
    by_image = {annotation['id']: annotation['image_id'] for annotation in _annotations(stored)}
    seen = 0
    for scene in scenes:
        if not scene.instances.ids or not scene.predictions.indices:
            continue
        image = by_image[scene.instances.ids[0]]
        rows = [row_of[index] for index in scene.predictions.indices]
        ids = [a['id'] for a in _annotations(stored) if a['image_id'] == image]
        columns = [ids.index(each) for each in scene.instances.ids]
        expected = np.array(stored['oks'][str(image)])[np.ix_(rows, columns)]
        computed = instance_similarities(
            scene.predictions.keypoints, scene.instances, np.array(skeleton().sigmas)
        )
        np.testing.assert_allclose(computed, expected, rtol=0, atol=1e-15)
        seen += expected.size
    assert seen == sum(np.array(matrix).size for matrix in stored['oks'].values())


def _rows(detections):
    """The row of each detection in the matrix of its image."""
    rows = Counter()
    for detection in detections:
        yield rows[detection['image_id']]
        rows[detection['image_id']] += 1


def _annotations(stored):
    return stored['ground_truth']['annotations']


@pytest.mark.parametrize('number', range(len(KEYPOINTS['sets'])))
def test_keypoint_precision(number):
    stored = KEYPOINTS['sets'][number]
    expected = stored['pycocotools']
    matches = match_detections(
        stored['ground_truth'],
        stored['detections'],
        'keypoints',
        CocoRules(sigmas=KEYPOINTS['sigmas']),
    )
    ap = average_precision(matches, np.ones((1, matches.images), int))[0]
    computed = [
        ap[..., 0].mean(),
        ap[0, :, 0].mean(),
        ap[5, :, 0].mean(),
        *(np.nan_to_num(ap[..., size].mean(), nan=-1) for size in (2, 3)),
    ]
    names = ('AP', 'AP50', 'AP75', 'APm', 'APl')
    assert computed == pytest.approx([expected[name] for name in names], abs=1e-15)


def test_keypoint_errors_of_the_released_code():
    """Of joints so far apart that each has one kind by anybody's rule."""
    stored = KEYPOINTS['sets'][1]
    expected = stored['coco_analyze']
    errors = keypoint_errors(
        stored['ground_truth'],
        stored['detections'],
        skeleton(),
        KeypointRules(areas=tuple(expected['area_range']), formula='released'),
    )
    counts = {kind: errors.count(kind) for kind in expected['keypoints_by_kind']}
    assert counts == expected['keypoints_by_kind']
    for kind, curves in expected['area_under_curve'].items():
        for oks, area in curves.items():
            computed = errors.ap(None if kind == 'baseline' else kind, float(oks))
            assert computed == pytest.approx(area, abs=1e-12), (kind, oks)


@pytest.mark.parametrize('empty', [False, True])
@pytest.mark.parametrize('kind', ['bbox', 'segm'])
def test_lvis(kind, empty):
    stored = values('lvis')
    expected = stored['expected'][kind]
    if empty:  # what has no area, which the package leaves out
        nothing = masks.encode(np.zeros((160, 200), np.uint8, order='F'))
        stored['detections'] += [
            {**detection, 'segmentation': nothing, 'bbox': [9, 9, 0, 9]}
            for detection in stored['detections'][::3]
        ]
    matches = match_detections(stored['ground_truth'], stored['detections'], kind)
    ap = average_precision(matches, np.ones((1, matches.images), int))[0]
    classes = sorted(category['id'] for category in stored['ground_truth']['categories'])
    by_class = dict(zip(classes, ap[..., 0].mean(axis=0).tolist()))
    assert by_class == pytest.approx({int(k): v for k, v in expected['AP_by_class'].items()})
    frequency = {each['id']: each['frequency'] for each in stored['ground_truth']['categories']}
    computed = {
        'AP': np.nanmean(ap[..., 0]),
        'AP50': np.nanmean(ap[0, :, 0]),
        'AP75': np.nanmean(ap[5, :, 0]),
        **{f'AP{size}': np.nanmean(ap[..., i]) for i, size in enumerate('sml', start=1)},
        **{
            f'AP{group}': np.nanmean([by_class[k] for k in classes if frequency[k] == group])
            for group in 'rcf'
        },
    }
    assert computed == pytest.approx({name: expected[name] for name in computed}, abs=1e-12)


@pytest.mark.parametrize('name', values('macs')['networks'])
def test_macs(name):
    """fvcore does not see fused attention, so the transformer's number is torchvision's."""
    stored = values('macs')
    expected = stored['networks'][name]
    model = torchvision.models.get_model(name, weights=None).eval()
    macs = count_macs(model, lambda: model(torch.zeros(stored['input'])))
    if name.startswith('vit'):
        assert round(macs.dense / 1e9, 3) == expected['published_gmacs_torchvision']
        return
    assert macs.dense == expected['fvcore_conv_linear_matmul']
    for layer, count in expected.get('fvcore_by_layer', {}).items():
        assert macs.weights[layer] == count, layer
