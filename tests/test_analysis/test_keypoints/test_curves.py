"""Average precision as detected and as corrected, against pycocotools."""

import contextlib
import copy
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmlth.analysis.keypoints import (
    ALL_OKS,
    KINDS,
    KeypointRules,
    Skeleton,
    diagnose,
    keypoint_errors,
    read_scenes,
)
from mmlth.analysis.keypoints.correction import correct

coco = pytest.importorskip('pycocotools.coco')
cocoeval = pytest.importorskip('pycocotools.cocoeval')

MOUSE = Path('data/mouse/annotations/val.json')
MOUSE_SKELETON = Skeleton(
    ('snout', 'leftear', 'rightear', 'tailbase'),
    (0.026, 0.035, 0.035, 0.035),
    (('leftear', 'rightear'),),
)


def reference(ground_truth, predictions, skeleton, areas, most=20):
    """The precision of pycocotools by threshold, recall and category; -1 where there is nothing."""
    with contextlib.redirect_stdout(io.StringIO()):
        there = coco.COCO()
        there.dataset = copy.deepcopy(ground_truth)
        there.createIndex()
        evaluation = cocoeval.COCOeval(
            there, there.loadRes(copy.deepcopy(predictions)), 'keypoints'
        )
        parameters = evaluation.params
        parameters.kpt_oks_sigmas = np.array(skeleton.sigmas)
        parameters.areaRng, parameters.areaRngLbl, parameters.maxDets = [areas], ['all'], [most]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval['precision'][..., 0, 0]


def assert_equal(curves, precision):
    there = precision[:, :, (precision > -1).all(axis=(0, 1))]
    if not there.size:
        assert all(curve.area is None for curve in curves)
        return
    ours = np.array([curve.precision for curve in curves])
    np.testing.assert_allclose(ours, there.mean(axis=2), rtol=1e-15)
    areas = [curve.area for curve in curves]
    np.testing.assert_allclose(areas, there.mean(axis=(1, 2)), rtol=1e-14)


@pytest.fixture
def mice():
    if not MOUSE.exists():
        pytest.skip(f'needs {MOUSE}')
    return json.loads(MOUSE.read_text())


def perturbed(ground_truth, seed, box=False):
    """Nought to three predictions of each instance: shaken, inverted, or somewhere else."""
    rng, predictions = np.random.default_rng(seed), []
    for annotation in ground_truth['annotations']:
        for _ in range(rng.integers(4)):
            keypoints = np.array(annotation['keypoints'], dtype=float).reshape(-1, 3)
            keypoints[:, :2] += rng.normal(size=(4, 2)) * rng.choice([2, 10, 40, 200])
            if rng.random() < 0.3:
                keypoints[[1, 2]] = keypoints[[2, 1]]
            prediction = {
                'image_id': annotation['image_id'],
                'category_id': annotation['category_id'],
                'score': round(rng.random(), 1),  # so that some are equal
                'keypoints': keypoints.ravel().tolist(),
            }
            predictions.append({**prediction, 'bbox': annotation['bbox']} if box else prediction)
    return predictions


@pytest.mark.parametrize('areas', [(0, 1e10), (32**2, 1e10), (200**2, 300**2)])
@pytest.mark.parametrize('most', [20, 1])
def test_mice_as_detected(mice, areas, most):
    predictions = perturbed(mice, seed=0)
    result = keypoint_errors(
        mice, predictions, MOUSE_SKELETON, KeypointRules(areas=areas, most=most)
    )
    precision = reference(mice, predictions, MOUSE_SKELETON, areas, most)
    assert_equal(result.detected, precision)
    assert result.ap() == pytest.approx(precision.mean(), rel=1e-14)
    assert 0 < result.ap() < 1


@pytest.mark.parametrize('formula', ['paper', 'released'])
def test_mice_as_corrected(mice, formula):
    """Corrected keypoints, written as results, are worth to pycocotools what we say."""
    predictions = perturbed(mice, seed=1, box=True)
    areas, skeleton = (32**2, 1e10), MOUSE_SKELETON
    result = keypoint_errors(
        mice, predictions, skeleton, KeypointRules(areas=areas, formula=formula)
    )
    for index, kind in enumerate(KINDS[1:], start=1):
        corrected = copy.deepcopy(predictions)
        for scene in read_scenes(mice, predictions, skeleton, areas, 20):
            keypoints = correct(scene, diagnose(scene, skeleton, formula), index, skeleton, formula)
            for place, points in zip(scene.predictions.indices, keypoints):
                corrected[place]['keypoints'] = np.insert(points, 2, 1, axis=1).ravel().tolist()
        assert_equal(result.corrected[kind], reference(mice, corrected, skeleton, areas))
    assert result.count('swap') == 0  # there is one mouse in each picture
    assert min(result.gain(kind) for kind in ('miss', 'inversion', 'jitter')) > 0


def nearest_kinds(truths, own, keypoints, skeleton):
    """The rule of the released code to the letter: the first of the most similar locations."""
    truths = [own, *(each for each in truths if each is not own)]
    kinds = []
    for joint, (x, y, _) in enumerate(np.reshape(keypoints, (-1, 3))):
        places = []
        for order in (range(len(skeleton.joints)), skeleton.mirror):
            for each in truths:
                u, v, visible = np.reshape(each['keypoints'], (-1, 3))[order[joint]]
                spread = 2 * each['area'] * (2 * skeleton.sigmas[joint]) ** 2
                similar = np.exp(-((x - u) ** 2 + (y - v) ** 2) / (spread + 1e-300))
                places.append(similar if visible else -1)
        place = int(np.argmax(places))
        if not own['keypoints'][3 * joint + 2]:
            kinds.append(None)
        elif places[place] < 0.5:
            kinds.append('miss')
        elif place == 0:
            kinds.append('good' if places[0] > 0.85 else 'jitter')
        else:
            kinds.append('inversion' if place == len(truths) else 'swap')
    return kinds


joints = st.integers(1, 4)
place = st.integers(0, 60)


@st.composite
def sets(draw):
    """A data set with everything that COCO treats in a way of its own, and predictions."""
    number = draw(st.integers(1, 4))
    names = tuple(map(str, range(number)))
    sigmas = tuple(draw(st.floats(0.02, 0.3)) for _ in names)
    skeleton = Skeleton(names, sigmas, (('0', '1'),) if number > 1 and draw(st.booleans()) else ())
    points = st.lists(st.tuples(place, place), min_size=number, max_size=number)
    where = st.fixed_dictionaries({'image_id': st.integers(1, 3), 'category_id': st.integers(1, 2)})
    annotations = []
    for id_ in range(1, draw(st.integers(1, 6)) + 1):
        visible = draw(st.lists(st.sampled_from([0, 1, 2]), min_size=number, max_size=number))
        keypoints = [each for point, v in zip(draw(points), visible) for each in (*point, v)]
        more = {'id': id_, 'keypoints': keypoints, 'num_keypoints': sum(v > 0 for v in visible)}
        more |= {'area': draw(st.integers(0, 4000)), 'iscrowd': draw(st.sampled_from([0, 0, 1]))}
        annotations.append({**draw(where), **more, 'bbox': [draw(place) for _ in range(4)]})
    predictions = []
    for _ in range(draw(st.integers(1, 8))):
        keypoints = [each for point in draw(points) for each in (*point, 1)]
        score = draw(st.sampled_from([0.1, 0.5, 0.9]))
        predictions.append({**draw(where), 'keypoints': keypoints, 'score': score})
    images, categories = ([{'id': each} for each in range(1, n)] for n in (4, 3))
    there = {'images': images, 'annotations': annotations, 'categories': categories}
    return there, predictions, skeleton


@settings(max_examples=50, deadline=None)
@given(sets(), st.sampled_from([1, 3, 20]), st.sampled_from([(0, 1e10), (500, 2000)]))
def test_any_set(drawn, most, areas):
    result = keypoint_errors(*drawn, KeypointRules(areas=areas, most=most))
    assert_equal(result.detected, reference(*drawn, areas, most))


@settings(max_examples=100, deadline=None)
@given(sets())
def test_kinds_by_the_released_code(drawn):
    ground_truth, predictions, skeleton = drawn
    for annotation in ground_truth['annotations']:
        annotation['area'] += 1  # of nothing, rounding decides what is nearest
    by_id = {each['id']: each for each in ground_truth['annotations']}
    for scene in read_scenes(ground_truth, predictions, skeleton, (1000, 1e10), 20):
        truths = [by_id[id_] for id_ in scene.instances.ids]
        diagnosis = diagnose(scene, skeleton, 'released')
        for row, place in enumerate(scene.predictions.indices):
            own = diagnosis.outcome.indices[row]
            kinds = [None if kind < 0 else KINDS[kind] for kind in diagnosis.kinds[row]]
            expected = [None] * len(kinds)
            if own >= 0:  # be it ignored or not
                points = predictions[place]['keypoints']
                expected = nearest_kinds(truths, truths[own], points, skeleton)
            assert kinds == expected


@settings(max_examples=50, deadline=None)
@given(sets(), st.sampled_from(['paper', 'released']))
def test_what_holds_of_any_set(drawn, formula):
    ground_truth, predictions, skeleton = drawn
    result = keypoint_errors(*drawn, KeypointRules(areas=(0, 1e10), formula=formula))
    assert [curve.oks for curve in result.detected] == list(ALL_OKS)
    assert sum(map(result.count, KINDS)) == result.keypoints
    if formula == 'paper':
        assert result.predictions - result.background == result.instances - result.undetected
    for scene in read_scenes(ground_truth, predictions, skeleton, (0, 1e10), 20):
        diagnosis = diagnose(scene, skeleton, formula)
        for index in range(1, len(KINDS)):
            after = correct(scene, diagnosis, index, skeleton, formula)
            rows, columns = np.nonzero(diagnosis.kinds == index)
            own = scene.instances.keypoints[diagnosis.outcome.indices[rows], columns]
            before = scene.predictions.keypoints[rows, columns]
            # Nearer than it was, and nothing else moves.
            far, near = (np.linalg.norm(at - own, axis=1) for at in (before, after[rows, columns]))
            assert (near <= far).all()
            moved = (after != scene.predictions.keypoints).any(axis=2)
            assert not (moved & (diagnosis.kinds != index)).any()
    # Distances and sizes do not matter, only their ratio does.
    larger, shapes, _ = twice = copy.deepcopy(drawn)
    for each in larger['annotations']:
        each |= {'area': each['area'] * 4, 'bbox': [number * 2 for number in each['bbox']]}
    for each in [*larger['annotations'], *shapes]:
        points = np.reshape(each['keypoints'], (-1, 3)) * (2, 2, 1)
        each['keypoints'] = points.ravel().tolist()
    assert (
        keypoint_errors(*twice, KeypointRules(areas=(0, 1e10), formula=formula)).kinds
        == result.kinds
    )
