"""TIDE beside an independent one, which goes by the paper, and by hand."""

import copy
import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perturbed import disturbed, first_images, ground_truth

from mmlth.analysis.detection import score
from mmlth.analysis.detection.tide import MAIN, tide


def truth_of(boxes, images=1):
    """Boxes as (image, class, x, width, crowd), each 100 high."""
    annotations = [
        {
            'id': n,
            'image_id': i,
            'category_id': k,
            'bbox': [x, 0, w, 100],
            'area': 100 * w,
            'iscrowd': c,
        }
        for n, (i, k, x, w, c) in enumerate(boxes, start=1)
    ]
    categories = [{'id': k, 'name': f'class {k}'} for k in sorted({box[1] for box in boxes})]
    return {
        'images': [{'id': i, 'width': 2000, 'height': 100} for i in range(images)],
        'categories': categories,
        'annotations': annotations,
    }


def found_of(boxes):
    return [
        {'image_id': i, 'category_id': k, 'bbox': [x, 0, w, 100], 'score': score}
        for i, k, x, w, score in boxes
    ]


# One object is hit, one is hit twice, one is badly placed, one is called another class, one is
# both, some are missed; and something is seen where nothing is.
TEN_OBJECTS = [
    (0, 7, 0, 100, 0),
    (0, 7, 200, 100, 0),
    (0, 7, 400, 100, 0),
    (0, 7, 600, 100, 0),
    (0, 7, 800, 100, 0),
    (0, 7, 1000, 100, 0),
    (1, 9, 0, 100, 0),
    (1, 9, 200, 100, 0),
    (1, 9, 400, 100, 0),
    (1, 7, 600, 100, 0),
]
FOUND = [
    (0, 7, 0, 100, 0.95),
    (0, 7, 205, 100, 0.9),
    (0, 7, 10, 100, 0.93),  # Dupe
    (0, 7, 450, 100, 0.8),  # Loc: IoU 1/3
    (0, 9, 600, 100, 0.75),  # Cls
    (0, 9, 850, 100, 0.7),  # Both
    (0, 7, 1500, 100, 0.92),  # Bkg
    (1, 9, 10, 100, 0.6),
    (1, 9, 240, 100, 0.55),  # Loc: IoU 3/7
    (1, 9, 205, 100, 0.5),  # takes the object which the Loc before aims at
]


def iou(a, b):
    (x, _, w, h), (u, _, v, k) = a['bbox'], b['bbox']
    inner = max(0, min(x + w, u + v) - max(x, u)) * min(h, k)
    return inner / (w * h + v * k - inner)


def precision(points, objects):
    """AP in [0, 1] of (score, hit) and a number of objects, at 101 recalls."""
    points = sorted(points, key=lambda point: -point[0])
    curve = [
        (sum(hit for _, hit in points[: n + 1]) / objects, n) for n in range(len(points)) if objects
    ]
    heights = []
    for recall in np.arange(101) / 100:
        reaching = [
            sum(hit for _, hit in points[: n + 1]) / (n + 1) for r, n in curve if r >= recall
        ]
        heights.append(max(reaching, default=0))
    return sum(heights) / 101


def brute_force(truth, predictions):
    """The paper's definitions, one prediction after the other."""
    objects = copy.deepcopy(truth['annotations'])
    ordered = sorted(copy.deepcopy(predictions), key=lambda p: -p['score'])
    for p in ordered:
        p['near'] = [(iou(p, g), g) for g in objects if g['image_id'] == p['image_id']]
        own = [each for each in p['near'] if each[1]['category_id'] == p['category_id']]
        free = [each for each in own if 'taken' not in each[1]]
        best = max(free, key=lambda each: each[0], default=(0, None))
        p['hit'] = best[0] >= 0.5
        if p['hit']:
            best[1]['taken'] = True
    for p in (p for p in ordered if not p['hit']):
        own = [e for e in p['near'] if e[1]['category_id'] == p['category_id']]
        others = [e for e in p['near'] if e[1]['category_id'] != p['category_id']]
        key = lambda each: each[0]  # noqa: E731
        near_own, near_other = (max(each, key=key, default=(0, None)) for each in (own, others))
        if 0.1 <= near_own[0] <= 0.5:
            p['error'], p['aim'] = 'Loc', near_own[1]
        elif near_other[0] >= 0.5:
            p['error'], p['aim'] = 'Cls', near_other[1]
        elif near_own[0] >= 0.5:
            p['error'] = 'Dupe'
        elif max(near_own[0], near_other[0]) <= 0.1:
            p['error'] = 'Bkg'
        else:
            p['error'] = 'Both'
    for g in objects:
        aiming = [p for p in ordered if p.get('aim') is g] if 'taken' not in g else []
        g['best'] = aiming[0] if aiming else None  # the highest score
        g['missed'] = 'taken' not in g and not aiming

    def ap(mended=None):
        classes = {}
        for g in objects:
            if not (mended == 'Miss' and g['missed']):
                classes.setdefault(g['category_id'], [[], 0])[1] += 1
        for p in ordered:
            category, hit = p['category_id'], p['hit']
            if mended == p.get('error'):
                aim = p.get('aim') or {}
                if aim.get('best') is not p and mended:
                    continue
                if mended:
                    category, hit = aim['category_id'], True
            classes.setdefault(category, [[], 0])[0].append((p['score'], hit))
        return np.mean([precision(points, number) for points, number in classes.values()])

    counts = {name: sum(p.get('error') == name for p in ordered) for name in MAIN}
    counts['Miss'] = sum(g['missed'] for g in objects)
    return ap(), {name: max(0, ap(name) - ap()) for name in MAIN}, counts


def check(truth, predictions):
    ours = tide(truth, {'dense': predictions}, 'bbox').models['dense']
    whole, gains, counts = brute_force(truth, predictions)
    assert ours.ap == pytest.approx(whole, abs=1e-12)
    assert ours.main == pytest.approx(gains, abs=1e-12)
    assert ours.counts == counts
    return ours


def test_ten_boxes():
    ours = check(truth_of(TEN_OBJECTS, 2), found_of(FOUND))
    assert ours.counts == {'Cls': 1, 'Loc': 2, 'Both': 1, 'Dupe': 1, 'Bkg': 1, 'Miss': 4}
    assert all(gain > 0 for gain in ours.main.values())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_ten_boxes_by_dice(seed):
    dice = np.random.default_rng(seed)
    number = dice.integers(1, 11)
    boxes = [
        (int(dice.integers(2)), int(dice.integers(1, 4)), 40 * n + int(dice.integers(40)), 100, 0)
        for n in range(number)
    ]
    scores = dice.permutation(10) / 10 + 0.05
    predictions = [
        (
            int(dice.integers(2)),
            int(dice.choice([box[1] for box in boxes])),
            int(dice.integers(40 * number)),
            int(dice.integers(60, 140)),
            float(score),
        )
        for score in scores
    ]
    check(truth_of(boxes, 2), found_of(predictions))


def test_special_errors_by_hand():
    # A false positive stands before the only hit of two objects: precision 1/2 up to recall 1/2.
    truth = truth_of([(0, 7, 0, 100, 0), (0, 7, 200, 100, 0)])
    predictions = found_of([(0, 7, 500, 100, 0.9), (0, 7, 0, 100, 0.8)])
    ours = tide(truth, {'dense': predictions}, 'bbox').models['dense']
    assert ours.ap == pytest.approx(51 / 101 / 2)
    assert ours.special['FalsePos'] == pytest.approx(51 / 101 - ours.ap)
    assert ours.special['FalseNeg'] == pytest.approx(1 / 2 - ours.ap)


def test_crowds_are_neither_hits_nor_errors():
    objects, crowd = [(0, 7, 0, 100, 0)], (0, 7, 400, 400, 1)
    predictions = found_of([(0, 7, 500, 50, 0.9), (0, 9, 600, 50, 0.8), (0, 7, 0, 100, 0.5)])
    truth = truth_of([*objects, crowd, (0, 9, 1000, 100, 0)])
    ours = tide(truth, {'dense': predictions}, 'bbox').models['dense']
    assert ours.counts == {'Cls': 0, 'Loc': 0, 'Both': 0, 'Dupe': 0, 'Bkg': 1, 'Miss': 1}
    assert ours.ap == pytest.approx((1 + 0) / 2)
    plain = tide(truth_of([*objects, (0, 9, 1000, 100, 0)]), {'dense': predictions}, 'bbox')
    assert plain.models['dense'].counts['Bkg'] == 2


SOME_HIT = 51 / 101
"""The AP of a class with two objects, one of them hit and nothing wrong."""


@pytest.mark.parametrize(
    ('objects', 'marks', 'spared'),
    [
        # It would be Loc, with an IoU of 1/3.
        ([(0, 7, 0, 1000, 1)], {}, (0, 7, 50, 100, 0.9)),
        # It would be Cls, right over the object.
        ([(0, 9, 0, 1000, 1), (0, 9, 1700, 100, 0)], {}, (0, 9, 0, 100, 0.9)),
        # LVIS: other objects of the class may be there unmarked.
        ([], {'not_exhaustive_category_ids': [7], 'neg_category_ids': []}, (0, 7, 50, 100, 0.9)),
    ],
    ids=['Loc in a crowd', 'Cls in a crowd', 'Loc of a class marked in part'],
)
def test_what_does_not_count_cannot_be_mended(objects, marks, spared):
    """An object that only such a prediction comes near is missed, as it is without it."""
    truth = truth_of([(0, 7, 0, 100, 0), (0, 7, 1500, 100, 0), *objects])
    truth['images'][0].update(marks)
    hit = (0, 7, 1500, 100, 0.95)
    models = {'spared': found_of([spared, hit]), 'without': found_of([hit])}
    ours = tide(truth, models, 'bbox').models
    assert ours['spared'] == ours['without']
    alone = {'Cls': 0, 'Loc': 0, 'Both': 0, 'Dupe': 0, 'Bkg': 0}
    missed = 1 + ((0, 9, 1700, 100, 0) in objects)
    assert ours['spared'].counts == {**alone, 'Miss': missed}
    classes = len(truth['categories'])
    assert ours['spared'].ap == pytest.approx(SOME_HIT / classes)
    # Without the missed objects, class 7 is perfect and class 9 is none.
    assert ours['spared'].main == pytest.approx({**alone, 'Miss': 1 - SOME_HIT / classes})


def test_what_does_not_count_takes_a_place_all_the_same():
    """As in pycocotools: of an image's best two, one lies in a crowd; the third stays out."""
    truth = truth_of([(0, 7, 0, 100, 0), (0, 7, 400, 400, 1)])
    predictions = found_of([(0, 7, 500, 50, 0.9), (0, 7, 1500, 50, 0.8), (0, 7, 0, 100, 0.7)])
    ours = tide(truth, {'dense': predictions}, 'bbox', max_dets=2).models['dense']
    assert (ours.ap, ours.counts['Bkg'], ours.counts['Miss']) == (0, 1, 1)
    assert tide(truth, {'dense': predictions}, 'bbox').models['dense'].ap == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ('truth', 'found', 'message'),
    [
        (
            truth_of([(0, 7, 0, 100, 1)]),
            [(0, 7, 50, 100, 0.9)],
            'all 1 annotations .* are crowds',
        ),
        (
            truth_of([(0, 7, 0, 100, 0), (0, 7, 500, 400, 1)]),
            [(0, 7, 600, 100, 0.9)],
            'no prediction of ticket counts: all lie in crowds',
        ),
        (
            {
                **truth_of([(0, 7, 0, 100, 0), (1, 9, 0, 100, 0)]),
                'images': [{'id': i, 'neg_category_ids': []} for i in range(2)],
            },
            [(0, 9, 50, 100, 0.9)],
            'no prediction of ticket counts: .* not marked for',
        ),
    ],
    ids=['only crowds', 'all in crowds', 'none judged'],
)
def test_nothing_that_counts_is_one_line(truth, found, message):
    with pytest.raises(ValueError, match=message):
        tide(truth, {'ticket': found_of(found)}, 'bbox')


def test_masks_that_are_boxes_have_the_errors_of_boxes():
    truth, predictions = truth_of(TEN_OBJECTS, 2), found_of(FOUND)
    boxes = tide(truth, {'dense': predictions}, 'bbox').models['dense']
    for entry in (*truth['annotations'], *predictions):
        entry['segmentation'] = runs(*entry.pop('bbox'))
    truth['annotations'][0]['segmentation'] = [[0, 0, 100, 0, 100, 100, 0, 100]]
    masks = tide(truth, {'dense': predictions}, 'segm').models['dense']
    assert masks.main == pytest.approx(boxes.main)
    assert masks.counts == boxes.counts


def runs(x, _, w, h):
    """A mask as plain run lengths, column by column, encoded as a model's are."""
    from pycocotools import mask

    return mask.frPyObjects(
        {'size': [100, 2000], 'counts': [x * h, w * h, (2000 - x - w) * h]}, h, 2000
    )


@pytest.mark.parametrize(('name', 'kind'), [('bccd', 'bbox'), ('nuclei', 'segm')])
def test_moved_predictions_are_badly_placed(name, kind, capfd):
    truth = first_images(ground_truth(name), 10)
    models = {'dense': disturbed(truth, kind, 0.03), 'ticket': disturbed(truth, kind, 0.2, seed=1)}
    before = copy.deepcopy(models['ticket'][:50])
    result = tide(truth, models, kind)
    assert models['ticket'][:50] == before
    assert list(result.models) == ['dense', 'ticket']
    dense, ticket = result.models.values()
    assert ticket.ap < dense.ap
    assert ticket.main['Loc'] > dense.main['Loc']
    assert capfd.readouterr() == ('', '')


def test_errors_are_one_line():
    truth, predictions = truth_of(TEN_OBJECTS, 2), found_of(FOUND)
    with pytest.raises(ValueError, match="bbox and segm, not 'keypoints'"):
        tide(truth, {'dense': predictions}, 'keypoints')
    with pytest.raises(ValueError, match='no data set of masks'):
        tide(truth, {'dense': predictions}, 'segm')
    with pytest.raises(ValueError, match='ticket predicts nothing'):
        tide(truth, {'dense': predictions, 'ticket': []}, 'bbox')


@pytest.mark.parametrize(
    ('name', 'call'),
    [
        ('tidecv', lambda: tide({}, {}, 'bbox')),
        ('pycocotools', lambda: score({}, {'dense': []}, 'bbox')),
    ],
)
def test_without_the_package(name, call, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda n, *r: None if n == name else find(n, *r)
    )
    message = (
        f"needs the package {name}, which is not installed: pip install 'mmlth\\[analysis\\]'$"
    )
    with pytest.raises(ModuleNotFoundError, match=message):
        call()
