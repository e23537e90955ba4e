"""Average precision over choices of images, beside pycocotools on the same images."""

import contextlib
import copy
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perturbed import SIGMAS, disturbed, first_images, ground_truth
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmlth.analysis.detection import CocoRules, average_precision, match_detections
from mmlth.analysis.detection.bootstrap import estimate, resamples
from mmlth.analysis.detection.federated import filter_lvis_predictions
from mmlth.analysis.detection.tide import tide


def reference(truth, predictions, kind, sigmas=None, borders=(32, 96)):
    """pycocotools' summary, and its AP by threshold, class and size."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = copy.deepcopy(truth)
        coco.createIndex()
        results = [
            {k: v for k, v in p.items() if k != 'bbox' or kind != 'segm'} for p in predictions
        ]
        evaluator = COCOeval(coco, coco.loadRes(results), kind)
        if sigmas is not None:
            evaluator.params.kpt_oks_sigmas = np.array(sigmas)
        small, large = (border**2 for border in borders)
        ranges = {
            'all': (0, 1e10),
            'small': (0, small),
            'medium': (small, large),
            'large': (large, 1e10),
        }
        evaluator.params.areaRng = [ranges[name] for name in evaluator.params.areaRngLbl]
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    precision = evaluator.eval['precision'][..., -1]  # T, R, K, A of the most detections
    return evaluator.stats, np.where(precision > -1, precision, np.nan).mean(axis=1)


def same(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize('noise', [0, 0.05, 0.2])
@pytest.mark.parametrize(
    ('name', 'kind'),
    [('bccd', 'bbox'), ('nuclei', 'segm'), ('coco128', 'bbox'), ('coco128', 'segm')],
)
def test_each_image_once_is_pycocotools(name, kind, noise):
    truth = first_images(ground_truth(name), 6 if name == 'nuclei' else 40)
    predictions = disturbed(truth, kind, noise)
    borders = (16, 24) if name == 'nuclei' else (32, 96)  # nuclei are all small
    stats, by_cell = reference(truth, predictions, kind, borders=borders)
    matches = match_detections(truth, predictions, kind, CocoRules(borders=borders))
    ours = average_precision(matches, np.ones((1, matches.images), int))[0]
    same(ours, by_cell)
    for number, part in enumerate(
        (ours[..., 0], ours[0, :, 0], ours[5, :, 0], *np.moveaxis(ours[..., 1:], -1, 0))
    ):
        same(np.nanmean(part) if np.isfinite(part).any() else -1, stats[number])
    assert 0 < stats[0] < 1 or noise == 0


@pytest.mark.parametrize('boxes', ['all', 'none'])
@pytest.mark.parametrize('noise', [0, 0.03, 0.1])
def test_keypoints_are_pycocotools(noise, boxes):
    truth = ground_truth('mouse')
    predictions = disturbed(truth, 'keypoints', noise)
    if boxes == 'none':
        predictions = [{k: v for k, v in each.items() if k != 'bbox'} for each in predictions]
    borders = (96, 150)  # between which some mice lie, and the keypoints of more
    stats, by_cell = reference(truth, predictions, 'keypoints', SIGMAS, borders)
    matches = match_detections(truth, predictions, 'keypoints', CocoRules(borders, SIGMAS))
    ours = average_precision(matches, np.ones((1, matches.images), int))[0]
    same(ours[..., [0, 2, 3]], by_cell)
    same(ours[..., 0].mean(), stats[0])


def test_a_pose_is_as_large_as_its_box():
    """As MMPose, whose predictions have boxes, evaluates; COCO's own have none."""
    points = [10, 10, 2, 50, 40, 2]
    truth = {
        'images': [{'id': 1, 'width': 200, 'height': 200}],
        'categories': [{'id': 1, 'name': 'mouse'}],
        'annotations': [
            {
                'id': 1,
                'image_id': 1,
                'category_id': 1,
                'bbox': [0, 0, 120, 120],
                'area': 120 * 120,
                'keypoints': points,
            }
        ],
    }
    missed = {'image_id': 1, 'category_id': 1, 'keypoints': [150, 150, 1, 190, 180, 1]}
    hit = {'image_id': 1, 'category_id': 1, 'keypoints': points, 'score': 0.5}
    boxed = [
        {**missed, 'score': 0.9, 'bbox': [90, 90, 110, 110]},
        {**hit, 'bbox': [0, 0, 120, 120]},
    ]

    def large(found):
        matches = match_detections(truth, found, 'keypoints', CocoRules(sigmas=(0.05, 0.05)))
        return average_precision(matches, np.ones((1, 1), int))[0, 0, 0, 3]

    # A false one of the same size counts, one that is smaller than its range does not.
    same(large(boxed), 0.5)
    without = [{k: v for k, v in each.items() if k != 'bbox'} for each in boxed]
    same(large(without), 1)
    same(large([boxed[0], without[1]]), 1)  # boxes of some are boxes of none
    same(large([without[0], boxed[1]]), 1)


def toy(seed, images=6):
    """Few boxes in many images: some images are empty, some objects are crowds."""
    dice = np.random.default_rng(seed)
    annotations = []
    for image in range(images):
        for _ in range(dice.integers(4)):
            x, y, w, h = dice.uniform(0, 60, 2).tolist() + dice.uniform(20, 120, 2).tolist()
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': image,
                    'category_id': int(dice.integers(1, 3)),
                    'bbox': [x, y, w, h],
                    'area': w * h,
                    'iscrowd': int(dice.random() < 0.2),
                }
            )
    categories = [{'id': k, 'name': str(k)} for k in (1, 2)]
    pictures = [{'id': image, 'height': 256, 'width': 256} for image in range(images)]
    return {'images': pictures, 'annotations': annotations, 'categories': categories}


def repeated(truth, predictions, weights):
    """The data set in which each image is there as often as it was drawn."""
    images, annotations, results = [], [], []
    for image, weight in zip(truth['images'], weights):
        for _ in range(weight):
            new = {'image_id': len(images)}
            of = image['id']
            annotations += [{**a, **new} for a in truth['annotations'] if a['image_id'] == of]
            results += [{**p, **new} for p in predictions if p['image_id'] == of]
            images.append({**image, 'id': len(images)})
    annotations = [{**a, 'id': number} for number, a in enumerate(annotations, start=1)]
    return {**truth, 'images': images, 'annotations': annotations}, results


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 4), min_size=6, max_size=6))
def test_weights_are_images_repeated(seed, weights):
    truth = toy(seed)
    predictions = disturbed(truth, 'bbox', 0.1, seed, confused=0.2)
    again = repeated(truth, predictions, weights)
    if not predictions or not again[1] or not again[0]['annotations']:
        return
    matches = match_detections(truth, predictions, 'bbox')
    # Other rows must not matter.
    ours = average_precision(matches, np.array([[1] * 6, weights, [0] * 6]))[1]
    same(ours, reference(*again, 'bbox')[1])


def test_nothing_is_changed_and_ids_do_not_matter():
    truth = toy(3)
    predictions = disturbed(truth, 'bbox', 0.05)
    before = copy.deepcopy((truth, predictions))
    one = np.ones((1, 6), int)
    ours = average_precision(match_detections(truth, predictions, 'bbox'), one)
    assert (truth, predictions) == before
    zero = {**truth, 'annotations': [{**a, 'id': 0} for a in truth['annotations']]}
    same(average_precision(match_detections(zero, predictions, 'bbox'), one), ours)


def test_borders_of_size():
    truth = toy(1)
    predictions = disturbed(truth, 'bbox', 0.05)
    one = np.ones((1, 6), int)
    whole = average_precision(
        match_detections(truth, predictions, 'bbox', CocoRules(borders=())), one
    )
    assert whole.shape[-1] == 2  # all, and the one range
    same(whole[..., 0], whole[..., 1])
    with pytest.raises(ValueError, match=r'positive and ascend, got \[96, 32\]'):
        match_detections(truth, predictions, 'bbox', CocoRules(borders=(96, 32)))


def box(image, category, x, score=None):
    entry = {'image_id': image, 'category_id': category, 'bbox': [x, 0, 10, 10]}
    return {**entry, 'score': score} if score else {**entry, 'id': 1, 'area': 100, 'iscrowd': 0}


def test_lvis_by_hand():
    # Class 1 is known in image 0 alone, and class 2 is marked only in part there.
    truth = {
        'images': [
            {'id': 0, 'neg_category_ids': [], 'not_exhaustive_category_ids': [2]},
            {'id': 1, 'neg_category_ids': [2], 'not_exhaustive_category_ids': []},
        ],
        'categories': [{'id': 1, 'name': 'a'}, {'id': 2, 'name': 'b'}],
        'annotations': [box(0, 1, 0), box(0, 2, 50)],
    }
    predictions = [
        box(1, 1, 0, 0.9),  # passes, for nobody looked for class 1 there
        box(0, 1, 0, 0.8),  # hits
        box(0, 2, 0, 0.9),  # passes, for not every object of class 2 is marked
        box(1, 2, 0, 0.8),  # errs, for class 2 is absent
        box(0, 2, 50, 0.7),  # hits
    ]
    ap = average_precision(match_detections(truth, predictions, 'bbox'), np.ones((1, 2), int))[
        0, :, :, 0
    ].mean(0)
    np.testing.assert_allclose(ap, [1, 0.5])
    plain = {**truth, 'images': [{'id': 0}, {'id': 1}]}
    ap = average_precision(match_detections(plain, predictions, 'bbox'), np.ones((1, 2), int))[
        0, :, :, 0
    ].mean(0)
    np.testing.assert_allclose(ap, [1 / 2, 1 / 3])


def square(x, side=10):
    mask = np.zeros((20, 200), np.uint8, order='F')
    mask[:side, x : x + side] = 1
    return masks.encode(mask)


@pytest.mark.parametrize('kind', ['bbox', 'segm'])
def test_what_has_no_area_is_nothing_in_lvis(kind):
    """The package ``lvis`` drops it, of predictions and of objects; COCO counts it."""
    truth = {
        'images': [
            {'id': 0, 'height': 20, 'width': 200, 'neg_category_ids': []},
            {'id': 1, 'height': 20, 'width': 200, 'neg_category_ids': []},
        ],
        'categories': [{'id': 1, 'name': 'a'}],
        'annotations': [
            {**box(0, 1, 0), 'segmentation': square(0)},
            # No object to miss, nor does it make its class known in image 1.
            {**box(1, 1, 0), 'segmentation': square(0), 'area': 0},
        ],
    }
    hit = {**box(0, 1, 0, 0.5), 'segmentation': square(0)}
    nothing = {**box(0, 1, 0, 0.9), 'bbox': [0, 0, 0, 10], 'segmentation': square(0, side=0)}
    listed = {**nothing, 'segmentation': {'size': [20, 200], 'counts': [4000]}}
    elsewhere = {**box(1, 1, 50, 0.8), 'segmentation': square(50)}
    found = [hit, nothing, elsewhere]

    def ap(truth, found):
        return average_precision(match_detections(truth, found, kind), np.ones((1, 2), int))[
            0, 0, 0, 0
        ]

    assert ap(truth, found) == ap(truth, [hit]) == pytest.approx(1)
    assert len(filter_lvis_predictions(truth, [hit, listed], kind)) == 1
    assert (
        tide(truth, {'a': found}, kind).models['a'] == tide(truth, {'a': [hit]}, kind).models['a']
    )
    coco = {**truth, 'images': [{'id': 0, 'height': 20, 'width': 200}, {**truth['images'][1]}]}
    del coco['images'][1]['neg_category_ids']
    assert ap(coco, found) == pytest.approx(51 / 101 / 3)  # one of two, behind two mistakes


@given(st.integers(1, 20), st.integers(0, 30), st.integers(0, 99))
def test_resamples_draw_as_many_images_as_there_are(images, replicates, seed):
    draws = resamples(images, replicates, seed)
    assert draws.shape == (replicates, images)
    assert (draws.sum(axis=1) == images).all()
    assert (draws == resamples(images, replicates, seed)).all()


def test_intervals_by_hand():
    result = estimate(3.0, np.array([*range(101), np.nan], float))
    assert (result.value, result.low, result.high) == pytest.approx((3, 2.5, 97.5))
    assert estimate(3.0, np.array([np.nan])).low is None
    assert estimate(float('nan'), np.ones(5)).value is None
    assert estimate(1.0, np.ones(5)).certain
    assert not estimate(1.0, np.array([-1.0, 1.0])).certain
    assert not estimate(1.0, np.ones(0)).certain


def test_an_interval_holds_the_mean_of_other_draws():
    """Of 40 data sets of the same kind, about 38 have the overall AP within their interval."""
    draws = [toy(seed, images=30) for seed in range(40)]
    predictions = [disturbed(truth, 'bbox', 0.1, seed) for seed, truth in enumerate(draws)]
    values, intervals = [], []
    for truth, each in zip(draws, predictions):
        matches = match_detections(truth, each, 'bbox', CocoRules(borders=()))
        value = np.nanmean(average_precision(matches, np.ones((1, 30), int))[..., 0])
        rows = np.nanmean(average_precision(matches, resamples(30, 200, 0))[..., 0], axis=(1, 2))
        values.append(value)
        intervals.append(estimate(float(value), rows))
    centre = np.mean(values)
    assert 32 <= sum(each.low <= centre <= each.high for each in intervals) <= 40
