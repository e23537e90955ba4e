"""Groups of classes and sizes, by hand and on the shared data sets."""

import dataclasses

import numpy as np
import pytest
from perturbed import SIGMAS, disturbed, first_images, ground_truth

from mmlth.analysis.detection import CocoRules, attributes, changed_most, score
from mmlth.analysis.detection.groups import by_class, by_frequency, by_lvis_frequency
from mmlth.analysis.detection.tide import tide
from mmlth.analysis.keypoints import Skeleton, keypoint_errors

AREAS = (10, 50, 200)


def by_hand(hits):
    """Three classes in four images, each with an object of each class; some of them are found.

    Class k has objects of the side `AREAS`[k]. Of a class found in n of 4 images, AP is that of a
    recall of n / 4 at precision 1: ⌊100 · n / 4⌋ + 1 of the 101 recalls.
    """
    truth = {
        'images': [{'id': image} for image in range(4)],
        'categories': [{'id': k, 'name': name} for k, name in enumerate('abc')],
        'annotations': [],
    }
    predictions = []
    for k, side in enumerate(AREAS):
        for image in range(4):
            entry = {'image_id': image, 'category_id': k, 'bbox': [0, 0, side, side]}
            truth['annotations'].append({**entry, 'area': side**2, 'id': 1, 'iscrowd': 0})
            if image < hits[k]:
                predictions.append({**entry, 'score': 0.5})
    return truth, predictions


def ap(found_images):
    return (25 * found_images + 1) / 101 if found_images else 0


@pytest.fixture
def scores():
    truth, dense = by_hand((4, 3, 0))
    return score(truth, {'dense': dense, 'ticket': by_hand((4, 1, 2))[1]}, 'bbox', replicates=50)


def test_sizes_by_hand(scores):
    sizes = attributes(scores).sizes
    assert [group.name for group in sizes] == [
        'small: below 32²',
        'medium: 32² to 96²',
        'large: above 96²',
    ]
    assert [group.objects for group in sizes] == [4, 4, 4]
    assert [group.models['dense'].ap.value for group in sizes] == pytest.approx([1, ap(3), 0])
    changes = [group.models['ticket'].change.value for group in sizes]
    assert changes[:2] == pytest.approx([0, 100 * (ap(1) - ap(3)) / ap(3)])
    assert changes[2] is None  # of nothing


def test_the_whole_by_hand(scores):
    actual = attributes(scores)
    dense, ticket = (ap(4) + ap(3)) / 3, (ap(4) + ap(1) + ap(2)) / 3
    result = actual.overall.models
    assert result['dense'].difference is None
    assert result['ticket'].ap.value == pytest.approx(ticket)
    assert result['ticket'].difference.value == pytest.approx(ticket - dense)
    assert result['ticket'].change.value == pytest.approx(100 * (ticket - dense) / dense)
    assert (actual.overall.objects, actual.overall.images, actual.replicates) == (12, 4, 50)


def test_frequency_by_hand(scores):
    rare, middle, frequent = by_frequency(scores, {'a': 7, 'b': 5000, 'c': 20})
    assert [group.classes for group in (rare, middle, frequent)] == [('a',), ('c',), ('b',)]
    assert (rare.name, frequent.name) == (
        'rarest: 7 in training',
        'most frequent: 5,000 in training',
    )
    assert middle.training == 20
    halves = by_frequency(scores, {'a': 7, 'b': 5000, 'c': 20}, ('rare', 'frequent'))
    assert [group.classes for group in halves] == [('a', 'c'), ('b',)]
    assert halves[0].models['dense'].ap.value == pytest.approx(1 / 2)
    assert [group.training for group in halves] == [27, 5000]
    assert halves[0].name == 'rare: 7 to 20 in training'


def test_difficulty_leaves_out_classes_of_ap_0(scores):
    hardest, easiest = attributes(scores).difficulty
    assert (hardest.classes, easiest.classes) == (('b',), ('a',))
    assert hardest.name == 'hardest: AP 0.752'


def of_class_c(scores, dense, ticket, resampled):
    """Where class c has these APs, and of half the resamples the dense model another."""
    values = {name: result.copy() for name, result in scores.values.items()}
    rows = {name: result.copy() for name, result in scores.replicates.items()}
    for name, ap in (('dense', dense), ('ticket', ticket)):
        values[name][2], rows[name][:, 2] = ap, ap
    rows['dense'][:25, 2] = resampled
    return attributes(dataclasses.replace(scores, values=values, replicates=rows))


def test_an_ap_that_prints_as_0_is_0(scores):
    result = of_class_c(scores, dense=0.000499, ticket=0.025, resampled=0.000499)
    assert result.classes[2].models['ticket'].change.value is None
    assert [group.classes for group in result.difficulty] == [('b',), ('a',)]
    result = of_class_c(scores, dense=0.0005, ticket=0.025, resampled=0.0005)
    assert result.classes[2].models['ticket'].change.value == pytest.approx(4900)
    assert [group.classes for group in result.difficulty] == [('c',), ('b',), ('a',)]


def test_such_a_resample_leaves_the_interval_of_the_change(scores):
    result = of_class_c(scores, dense=0.5, ticket=0.75, resampled=0.000499)
    change = result.classes[2].models['ticket'].change
    assert (change.value, change.low, change.high) == (50, 50, 50)


def test_the_classes_that_change_most(scores):
    gains, losses = changed_most(by_class(scores), 'ticket')
    assert [group.name for group in gains] == ['c']
    assert [group.name for group in losses] == ['b']


@pytest.mark.parametrize('marks', [{'frequency': 'rcf'}, {'image_count': (10, 100, 101)}])
def test_lvis_groups(scores, marks):
    ((key, values),) = marks.items()
    categories = tuple({**c, key: v} for c, v in zip(scores.categories, values))
    groups = by_lvis_frequency(dataclasses.replace(scores, categories=categories))
    assert [(group.name, group.classes) for group in groups] == [
        ('rare', ('a',)),
        ('common', ('b',)),
        ('frequent', ('c',)),
    ]
    assert by_lvis_frequency(scores) == ()


def test_models_are_judged_by_the_same_resamples(scores):
    truth, dense = by_hand((4, 3, 0))
    twins = attributes(score(truth, {'dense': dense, 'twin': dense}, 'bbox')).overall.models['twin']
    assert (twins.difference.low, twins.difference.high) == (0, 0)
    assert twins.ap.low < twins.ap.high


def test_no_interval_where_objects_are_in_one_image():
    truth, predictions = by_hand((4, 4, 4))
    truth['annotations'] = [
        a for a in truth['annotations'] if a['category_id'] != 1 or a['image_id'] == 0
    ]
    classes = attributes(score(truth, {'dense': predictions}, 'bbox')).classes
    assert [group.models['dense'].ap.low is None for group in classes] == [False, True, False]
    alone = first_images(truth, 1)
    shown = [p for p in predictions if p['image_id'] == 0]
    assert attributes(score(alone, {'dense': shown}, 'bbox')).replicates == 0


def test_a_class_absent_from_a_resample_leaves_its_mean():
    """Class a, always found, is in every image; class b, never found, is in two of four."""
    truth, _ = by_hand((0, 0, 0))
    objects = [a for a in truth['annotations'] if a['category_id'] == 0 or a['image_id'] < 2]
    truth['annotations'] = [a for a in objects if a['category_id'] < 2]
    predictions = [{**a, 'score': 0.5} for a in truth['annotations'] if a['category_id'] == 0]
    scores = score(truth, {'dense': predictions}, 'bbox', replicates=200)
    absent = np.isnan(scores.replicates['dense'][:, 1, 0])
    assert 0 < absent.sum() < 100  # 1/16 of them
    overall = attributes(scores).overall.models['dense'].ap
    assert (overall.value, overall.low, overall.high) == (0.5, 0.5, 1)


@pytest.mark.parametrize(
    ('name', 'kind', 'sigmas'),
    [('bccd', 'bbox', None), ('nuclei', 'segm', None), ('mouse', 'keypoints', SIGMAS)],
)
def test_a_worse_ticket_is_known_to_be_worse(name, kind, sigmas):
    truth = first_images(ground_truth(name), 8 if name == 'nuclei' else 30)
    models = {'dense': disturbed(truth, kind, 0.03), 'ticket': disturbed(truth, kind, 0.2, seed=1)}
    result = attributes(
        score(truth, models, kind, CocoRules(sigmas=sigmas), replicates=100),
        {category['name']: 100 + category['id'] for category in truth['categories']},
    )
    difference = result.overall.models['ticket'].difference
    assert difference.high < 0
    assert difference.certain
    several = len(truth['categories']) > 1
    assert len(result.frequency) == (3 if several else 0)
    assert all(group.training > 99 for group in result.classes)


def test_a_part_of_a_data_set():
    truth, predictions = by_hand((4, 4, 4))
    part = {**truth, 'images': truth['images'][:2], 'categories': truth['categories'][:2]}
    shown = [p for p in predictions if p['image_id'] < 2 and p['category_id'] < 2]
    assert score(part, {'dense': shown}, 'bbox').values['dense'][:, 0].tolist() == [1, 1]
    assert tide(part, {'dense': shown}, 'bbox').models['dense'].ap == 1


def person(side, **area):
    """Two joints in a box of this side, and what is found a little to the right of them."""
    about = {'image_id': 0, 'category_id': 1, 'bbox': [0, 0, side, side]}
    truth = {
        'images': [{'id': 0}],
        'categories': [{'id': 1, 'name': 'person'}],
        'annotations': [{**about, 'id': 1, 'keypoints': [1, 1, 2, 5, 5, 2], **area}],
    }
    # e = d² / (2 · 0.53 · side² · (2σ)²) = 1/4, and OKS = exp(−e) = 0.779 with that area.
    right = (0.25 * 2 * 0.53 * side**2 * 0.2**2) ** 0.5
    prediction = {**about, 'keypoints': [1 + right, 1, 1, 5 + right, 5, 1], 'score': 0.9}
    return truth, [prediction]


@pytest.mark.parametrize(
    ('area', 'hits'),
    [({}, 6), ({'area': 0.53 * 50**2}, 6), ({'area': 50**2}, 8)],  # OKS 0.779, 0.779, 0.876
)
def test_people_without_area_have_that_of_mmpose(area, hits):
    truth, predictions = person(50, **area)
    scores = score(truth, {'dense': predictions}, 'keypoints', CocoRules(sigmas=(0.1, 0.1)))
    assert scores.values['dense'][0, 0] == pytest.approx(hits / 10)
    skeleton = Skeleton(('a', 'b'), (0.1, 0.1))
    errors = keypoint_errors(truth, predictions, skeleton)
    assert errors.ap() == pytest.approx(hits / 10)


@pytest.mark.parametrize(('kind', 'sizes'), [('keypoints', (1, 0)), ('bbox', (0, 1))])
def test_sizes_of_objects_without_area(kind, sizes):
    """A box of 40² is of medium size, the person in it has 0.53 of that and is small."""
    truth, predictions = person(40)
    scores = score(truth, {'dense': predictions}, kind, CocoRules(sigmas=(0.1, 0.1)))
    small, medium, _ = attributes(scores).sizes
    assert (small.objects, medium.objects) == sizes


def test_errors_are_one_line(scores):
    truth, result = by_hand((1, 1, 1))
    other = [{**result[0], 'category_id': 9}]
    elsewhere = [{**result[0], 'image_id': 'x'}]
    keypoints = [{**result[0], 'keypoints': [1, 2, 2]}]
    masks = [{**result[0], 'segmentation': {'size': [9, 9], 'counts': '09'}}]

    def sized(more, gone):
        objects = [{**a, **more} for a in truth['annotations']]
        return {**truth, 'annotations': [{k: a[k] for k in a if k != gone} for a in objects]}

    marked = {**truth, 'annotations': [{**a, 'keypoints': [1, 1, 2]} for a in truth['annotations']]}
    lines = {
        'category_id 9, which the ground truth with its 3 categories lacks': (truth, other, 'bbox'),
        'image_id x, which .* another data set': (truth, elsewhere, 'bbox'),
        'ticket predicts nothing': (truth, [], 'bbox'),
        "12 of the 12 annotations .* no 'segmentation': .* no data set of masks": (
            truth,
            result,
            'segm',
        ),
        'no data set of keypoints': (truth, result, 'keypoints'),
        "3 of the 3 predictions of ticket have no 'keypoints'": (marked, result, 'keypoints'),
        'keypoints need the sigmas': (marked, keypoints, 'keypoints'),
        "'boxes' is no kind of prediction": (truth, result, 'boxes'),
        "12 of the 12 annotations .* no 'area', without which masks have no size": (
            sized({'segmentation': [[0, 0, 9, 0, 9, 9]]}, 'area'),
            masks,
            'segm',
        ),
        "12 of the 12 annotations .* no 'bbox', without which keypoints have no size": (
            sized({'keypoints': [1, 1, 2]}, 'bbox'),
            keypoints,
            'keypoints',
        ),
        'holds no annotations': ({**truth, 'annotations': []}, result, 'bbox'),
    }
    for line, (given, predictions, kind) in lines.items():
        with pytest.raises(ValueError, match=rf'^[^\n]*{line}[^\n]*$'):
            score(given, {'ticket': predictions}, kind)
    with pytest.raises(ValueError, match='1 keypoints an object where there are 2 sigmas'):
        score(marked, {'ticket': keypoints}, 'keypoints', CocoRules(sigmas=(0.1, 0.1)))
    with pytest.raises(ValueError, match='no training count of b, c'):
        attributes(scores, {'a': 1})
    with pytest.raises(ValueError, match='no model to judge'):
        score(truth, {}, 'bbox')
