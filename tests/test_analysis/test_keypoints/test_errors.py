"""Keypoints drawn by hand, one for every kind of error.

Each instance has an area of 100² pixels and joints of σ = .05, so that ks = exp(−d² / (2 · 10²)) at
a distance of d pixels: 1 at 0, .88 at 5, .73 at 8, .49 at 12.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmlth.analysis.keypoints import (
    ERRORS,
    KINDS,
    KeypointRules,
    Skeleton,
    diagnose,
    keypoint_errors,
    read_scenes,
)
from mmlth.analysis.keypoints.correction import correct
from mmlth.analysis.keypoints.matching import match_instances
from mmlth.analysis.keypoints.similarity import instance_similarities

SKELETON = Skeleton(('nose', 'left', 'right'), (0.05,) * 3, (('left', 'right'),))
POSE = [(100, 100), (200, 100), (300, 100)]
OTHER = [(100, 500), (200, 500), (300, 500)]
BOX = [50, 50, 300, 100]
AT_85, AT_50 = 5.70, 11.77  # pixels at which ks is .85 and .5: 10 · √(−2 ln ks)
FAR = (900, 900)

near = pytest.approx  # pycocotools adds ε to a denominator, and so do we: perfect is 1 − 2e-16


def instance(points=POSE, image=1, area=100**2, visible=(2, 2, 2), category=1, **more):
    keypoints = [number for (x, y), v in zip(points, visible) for number in (x, y, v)]
    return {
        'image_id': image,
        'category_id': category,
        'bbox': BOX,
        'area': area,
        'keypoints': keypoints,
        'num_keypoints': sum(v > 0 for v in visible),
        'iscrowd': 0,
        **more,
    }


def predicted(points=POSE, score=0.9, image=1, category=1, **more):
    keypoints = [number for x, y in points for number in (x, y, 1)]
    where = {'image_id': image, 'category_id': category, 'score': score, 'bbox': BOX}
    return {**where, 'keypoints': keypoints, **more}


def data(*instances, images=2, categories=1):
    return {
        'images': [{'id': number} for number in range(1, images + 1)],
        'annotations': [{'id': number, **each} for number, each in enumerate(instances, start=1)],
        'categories': [{'id': number} for number in range(1, categories + 1)],
    }


def errors(instances, predictions, skeleton=SKELETON, **options):
    return keypoint_errors(data(*instances), predictions, skeleton, KeypointRules(**options))


def kinds(instances, predictions, skeleton=SKELETON, formula='paper'):
    """The names of the kinds of each prediction's keypoints, in the first scene."""
    scene = read_scenes(data(*instances), predictions, skeleton, (0, 1e10), 20)[0]
    result = diagnose(scene, skeleton, formula).kinds
    return [[None if kind < 0 else KINDS[kind] for kind in row] for row in result]


def moved(joint, point):
    return [point if index == joint else each for index, each in enumerate(POSE)]


@pytest.mark.parametrize(
    ('joint', 'point', 'kind'),
    [
        (0, (103, 104), 'good'),  # 5 pixels
        (0, (108, 100), 'jitter'),
        (0, (100, 112), 'miss'),
        (1, (308, 100), 'inversion'),  # at the right one, which counts as near from .5 on
        (1, (312, 100), 'miss'),
        (1, (200, 508), 'swap'),  # at the other's left one
        (2, (200, 508), 'swap'),  # at the other's left one, where its right one is predicted
        (0, (200, 500), 'miss'),  # at the other's left one, which is no nose
        (0, (200, 100), 'miss'),
        (1, FAR, 'miss'),
    ],
)
def test_every_kind_by_hand(joint, point, kind):
    result = kinds([instance(), instance(OTHER)], [predicted(moved(joint, point))])
    assert result == [['good' if index != joint else kind for index in range(3)]]


def test_the_first_kind_that_holds():
    close = [(100, 100), (200, 100), (206, 100)]  # left and right are 6 pixels apart
    (result,) = kinds([instance(close)], [predicted([close[0], close[2], close[1]])])
    assert result == ['good', 'jitter', 'jitter']  # not inversions, for ks to the own is .84
    on_top = instance(
        [(100, 500), (300, 100), (300, 500)]
    )  # its left one is where the right one is
    (result,) = kinds([instance(), on_top], [predicted(moved(1, (300, 100)))])
    assert result == ['good', 'inversion', 'good']


def test_the_released_code_goes_by_the_nearest_location():
    close = [(100, 100), (200, 100), (206, 100)]
    (result,) = kinds([instance(close)], [predicted([close[0], *close[:0:-1]])], formula='released')
    assert result == ['good', 'inversion', 'inversion']
    # Nearer to where it belongs than to another's joint, and the other way round.
    other = instance([(100, 500), (208, 100), (300, 500)])
    for x, kind in ((203, 'good'), (205, 'swap')):
        (result,) = kinds([instance(), other], [predicted(moved(1, (x, 100)))], formula='released')
        assert result == ['good', kind, 'good']
    # Both at the mirror: an inversion by the paper. The code comes to the other's joint first.
    on_top = instance([(100, 500), (300, 100), (300, 500)])
    for formula, kind in (('paper', 'inversion'), ('released', 'swap')):
        (result,) = kinds([instance(), on_top], [predicted(moved(1, POSE[2]))], formula=formula)
        assert result == ['good', kind, 'good']


def test_the_released_code_corrects_what_matches_an_ignored_instance():
    small, options = instance(area=31**2), {'oks': [0.5]}
    wrong = predicted([POSE[0], POSE[2], POSE[1]])
    for formula, counts in (('paper', (0, 0, 0)), ('released', (0, 1, 1))):
        result = errors([instance(image=2), small], [wrong], formula=formula, **options)
        assert result.kinds['inversion'] == counts
        assert result.ap('inversion') == result.ap() == 0  # of the one instance that counts


def test_the_released_code_has_background_at_the_threshold_of_the_curve():
    # OKS is 2/3 of the first, which comes before a right one.
    there = [instance(), instance(OTHER, image=2)]
    result = [predicted(moved(2, FAR), 0.9), predicted(OTHER, 0.8, image=2)]
    options = {'oks': (0.5, 0.9)}
    paper, released = (errors(there, result, formula=f, **options) for f in ('paper', 'released'))
    assert areas(paper.detected) == areas(released.detected) == near([1, 0.5 * 51 / 101])
    assert areas(paper.corrected['background']) == areas(paper.detected)
    assert areas(released.corrected['background']) == near([1, 51 / 101])
    # Without the instance that nothing matches at .9, on top of that.
    assert areas(released.corrected['undetected']) == near([1, 1])
    assert released.gain('undetected', 0.9) == near(1 - 51 / 101)
    assert (released.background, released.undetected) == (0, 0)  # at .5 all match
    assert errors(there, result, formula='released', oks=[0.9]).background == 1


def test_an_instance_of_another_size_is_near_from_further_away():
    # 20 pixels from a joint of an instance of 200² pixels are as 10 here: ks = .61.
    for area, kind in ((200**2, 'swap'), (100**2, 'miss')):
        result = kinds([instance(), instance(OTHER, area=area)], [predicted(moved(1, (220, 500)))])
        assert result[0][1] == kind


def test_without_swap_pairs_nothing_is_inverted():
    exchanged = [POSE[0], POSE[2], POSE[1]]
    assert kinds([instance()], [predicted(exchanged)]) == [['good', 'inversion', 'inversion']]
    alone = Skeleton(SKELETON.joints, SKELETON.sigmas)
    assert kinds([instance()], [predicted(exchanged)], alone) == [['good', 'miss', 'miss']]


def test_unlabelled_joints_have_no_kind_and_nothing_is_near_them():
    hidden = instance(visible=(2, 2, 0))
    assert kinds([hidden], [predicted()]) == [['good', 'good', None]]
    assert kinds([hidden], [predicted(moved(1, POSE[2]))]) == [['good', 'miss', None]]
    other = instance(OTHER, visible=(2, 0, 1))
    assert kinds([instance(), other], [predicted(moved(1, OTHER[1]))])[0][1] == 'miss'
    assert kinds([instance(), other], [predicted(moved(1, OTHER[2]))])[0][1] == 'swap'


def corrected(kind, instances, points, formula='paper'):
    scene = read_scenes(data(*instances), [predicted(points)], SKELETON, (0, 1e10), 20)[0]
    diagnosis = diagnose(scene, SKELETON, formula)
    result = correct(scene, diagnosis, KINDS.index(kind), SKELETON, formula)
    return result[0].tolist()


@pytest.mark.parametrize(
    ('kind', 'point', 'distance'),
    [
        ('jitter', (200, 108), AT_85),
        ('miss', FAR, AT_50),
        ('inversion', (300, 106), 6),  # as far as it was from the right one
        ('swap', (200, 512), 6),  # 12 pixels from a joint of an instance of 200² are as 6 here
    ],
)
def test_where_corrected_keypoints_are(kind, point, distance):
    scene = [instance(), instance(OTHER, area=200**2)]
    for formula, factor in (('paper', 1), ('released', 0.5)):
        result = corrected(kind, scene, moved(1, point), formula)
        assert result[1] == near([200 + factor * distance, 100], abs=0.01)
        assert [result[0], result[2]] == [[100, 100], [300, 100]]
    for other in set(KINDS[1:]) - {kind}:
        assert corrected(other, scene, moved(1, point))[1] == list(point)


def areas(curves):
    return [curve.area for curve in curves]


def test_average_precision_without_misses_by_hand():
    # OKS is 2/3; with the miss at ks = .5 it is .83, by the released code at .5^¼ = .84 it is .947.
    options = {'oks': (0.65, 0.8, 0.9, 0.95)}
    paper = errors([instance()], [predicted(moved(2, FAR))], **options)
    assert areas(paper.detected) == near([1, 0, 0, 0])
    assert areas(paper.corrected['miss']) == near([1, 1, 0, 0])
    assert paper.gain('miss', 0.8) == near(1)
    assert paper.gain('miss') == near(0.25)
    assert {paper.gain(kind) for kind in set(ERRORS) - {'miss'}} == {0}
    released = errors([instance()], [predicted(moved(2, FAR))], formula='released', **options)
    assert areas(released.corrected['miss']) == near([1, 1, 1, 0])


def test_two_people_with_one_joint_of_each_other():
    first, second = moved(1, OTHER[1]), [OTHER[0], POSE[1], OTHER[2]]
    result = errors(
        [instance(), instance(OTHER)], [predicted(first), predicted(second)], oks=[0.95]
    )
    assert result.kinds['swap'] == (0, 2, 0)
    assert (result.ap(), result.ap('swap')) == near((0, 1))


def test_inverted_poses():
    result = errors([instance()], [predicted([POSE[0], POSE[2], POSE[1]])], oks=[0.5, 0.95])
    assert result.kinds['inversion'] == (0, 1, 1)
    assert [result.gain('inversion', oks) for oks in (0.5, 0.95)] == near([1, 1])


@settings(max_examples=40, deadline=None)
@given(st.floats(-2e4, 2e4), st.floats(-2e4, 2e4), st.floats(32**2, 1e6))
def test_rounding_never_takes_a_correction_back(x, y, area):
    # All keypoints at ks = .2 are misses, at .6 jitter: their poses are put at exactly .5 and .85.
    points = np.add(POSE, (x, y))
    for similarity, kind, oks in ((0.2, 'miss', 0.5), (0.6, 'jitter', 0.85)):
        distance = math.sqrt(-2 * math.log(similarity) * area) * 0.1
        wrong = np.add(points, (0, distance))
        skeleton = Skeleton(SKELETON.joints, SKELETON.sigmas)
        result = errors([instance(points, area=area)], [predicted(wrong)], skeleton, oks=[oks])
        assert (result.count(kind), result.ap(), result.ap(kind)) == near((3, 0, 1))


def test_background_and_undetected_instances():
    there = [instance(), instance(image=2)]
    nowhere = [(x, y + 1000) for x, y in POSE]
    result = errors(there, [predicted(), predicted(nowhere, 0.95)], oks=[0.5])
    assert (result.instances, result.predictions, result.keypoints) == (2, 2, 3)
    assert (result.background, result.undetected) == (1, 1)
    assert (result.share('background'), result.share('undetected')) == (0.5, 0.5)
    # Half of the predictions are right, down to the recall of one of two: 51 of 101 points.
    assert result.ap() == near(0.5 * 51 / 101)
    assert result.ap('background') == near(51 / 101)
    assert result.ap('undetected') == near(0.5)


def test_a_prediction_in_an_image_without_instances_is_background():
    result = errors([instance()], [predicted(), predicted(score=0.95, image=2)], oks=[0.5])
    assert (result.background, result.ap(), result.ap('background')) == near((1, 0.5, 1))


def test_what_is_predicted_outside_the_range_of_areas_is_no_error():
    small, nowhere = [10, 10, 10, 10], [(x, y + 1000) for x, y in POSE]
    for score in (0.5, 0.95):
        result = errors([instance()], [predicted(), predicted(nowhere, score, bbox=small)])
        assert (result.predictions, result.background, result.ap()) == near((1, 0, 1))
    # Without a box, the box around the keypoints counts: this one is 200 pixels by nothing.
    flat = {key: value for key, value in predicted(nowhere, 0.95).items() if key != 'bbox'}
    assert errors([instance()], [predicted(), flat]).background == 0
    # One that is of an instance that counts does so itself.
    assert errors([instance()], [predicted(bbox=small)]).predictions == 1


def test_a_second_prediction_of_an_instance_is_background_unless_it_is_the_correct_one():
    again = errors([instance()], [predicted(), predicted(score=0.95)], oks=[0.5])
    assert (again.background, again.ap(), again.gain('background')) == near((1, 1, 0))
    # The poor one takes the instance at OKS .1; at .75 the good one does and must not be removed.
    poor = predicted(moved(1, FAR), score=0.95)
    result = errors([instance()], [poor, predicted(score=0.5)], oks=[0.75])
    assert (result.background, result.ap(), result.ap('background')) == near((1, 0.5, 0.5))
    assert result.kinds['miss'] == (0, 1, 0)


@pytest.mark.parametrize(
    'ignored',
    [
        {'iscrowd': 1},
        {'visible': (0, 0, 0)},
        {'num_keypoints': 0},
        {'area': 31**2},
        {'points': [], 'visible': ()},
    ],
)
def test_instances_that_do_not_count(ignored):
    rest = instance(**ignored)
    within = [predicted(score=0.5), predicted(score=0.4)][: 2 if rest['iscrowd'] else 1]
    result = errors([instance(image=2), rest], [predicted(image=2, score=0.3), *within], oks=[0.5])
    assert (result.instances, result.predictions, result.keypoints) == (1, 1, 3)
    assert (result.background, result.undetected, result.ap()) == near((0, 0, 1))
    nothing = errors([rest, instance(area=0)], within)
    assert (nothing.instances, nothing.ap(), nothing.gain('miss')) == (0, None, None)


def test_what_matches_at_a_low_threshold_is_left_though_it_is_of_nothing():
    far = [(x, y + 23) for x, y in POSE]  # OKS is .07
    result = errors([instance()], [predicted(far)], oks=[0.05])
    assert (result.background, result.undetected, result.keypoints) == (1, 1, 0)
    assert (result.ap(), result.ap('background'), result.ap('undetected')) == near((1, 1, 1))


@pytest.mark.parametrize(('area', 'counts'), [(1023, 0), (1024, 1), (5000, 1), (5001, 0)])
def test_the_range_of_areas_holds_its_ends(area, counts):
    assert errors([instance(area=area)], [], areas=(32**2, 5000)).instances == counts


def test_no_predictions():
    result = errors([instance()], [])
    assert (result.ap(), result.gain('undetected'), result.share('undetected')) == (0, None, 1)
    assert (result.keypoints, result.share('miss'), result.share('background')) == (0, None, None)
    assert all(result.gain(kind) == 0 for kind in set(ERRORS) - {'undetected'})


def test_only_the_highest_scores_of_an_image_count():
    predictions = [predicted(score=0.1), *[predicted(moved(1, FAR), 0.5)] * 2]
    assert errors([instance()], predictions, most=2).kinds['miss'] == (0, 1, 0)
    assert errors([instance()], predictions, most=2, oks=[0.9]).ap() == 0
    assert errors([instance()], predictions, most=3, oks=[0.9]).ap() == near(1 / 3)


def test_equal_scores_keep_their_order():
    poor, good = predicted(moved(1, FAR)), predicted()
    assert errors([instance()], [poor, good]).kinds['miss'] == (0, 1, 0)
    assert errors([instance()], [good, poor]).kinds['miss'] == (0, 0, 0)


def test_an_instance_without_labelled_keypoints_is_like_what_is_around_it():
    there = data(instance(), instance(visible=(0, 0, 0)))  # its box is BOX
    x, y, width, height = BOX
    within = [(x - width, y - height), (x + 2 * width, y), (x, y + 2 * height)]
    beyond = [(x - width - 10, y), (x + 2 * width + 10, y), (x, y + 2 * height + 10)]
    for points, similarity in ((within, 1), (beyond, math.exp(-0.5))):
        (scene,) = read_scenes(there, [predicted(points)], SKELETON, (0, 1e10), 20)
        sigmas = np.array(SKELETON.sigmas)
        result = instance_similarities(scene.predictions.keypoints, scene.instances, sigmas)
        assert result.shape == (1, 2)
        assert result[0, 1] == near(similarity)


@pytest.mark.parametrize(
    ('oks', 'threshold', 'ignored', 'crowd', 'indices'),
    [
        ([[0.6, 0.6]], 0.5, (0, 0), (0, 0), [1]),  # of equals the last
        ([[0.6, 0.9]], 0.5, (0, 1), (0, 0), [0]),  # first what counts, however much worse it fits
        ([[0.4, 0.9]], 0.5, (0, 1), (0, 0), [1]),
        ([[0.9, 0.8], [0.9, 0.7], [0.9, 0.9]], 0.5, (0, 0), (0, 0), [0, 1, -1]),
        ([[0.9], [0.8]], 0.5, (1,), (1,), [0, 0]),  # a crowd
        ([[0.9], [0.8]], 0.5, (1,), (0,), [0, -1]),
        ([[1 - 1e-11]], 1.0, (0,), (0,), [0]),  # perfect but for rounding
        ([[0.5]], 0.5, (0,), (0,), [0]),
        ([[]], 0.5, (), (), [-1]),
    ],
)
def test_matching(oks, threshold, ignored, crowd, indices):
    flags = (np.array(each, dtype=bool) for each in (ignored, crowd))
    assert match_instances(np.array(oks), threshold, *flags).tolist() == indices


def test_the_mean_over_categories():
    there = data(instance(), instance(category=2), categories=3)
    result = keypoint_errors(there, [predicted(category=2)], SKELETON, KeypointRules(oks=[0.5]))
    assert result.ap() == near(
        0.5
    )  # none of the first, all of the second, and the third has no instance


def test_thresholds_are_looked_up():
    result = errors([instance()], [predicted()])
    assert (result.curve(0.6).oks, result.curve(0.6).area) == near((0.6, 1))
    with pytest.raises(ValueError, match=r'no curve at OKS 0.3; there are 0.5, 0.55, 0.6'):
        result.ap(oks=0.3)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (((), ()), 'no joints'),
        ((('a', 'a'), (0.1, 0.1)), 'two joints have one name: a, a'),
        ((('a', 'b'), (0.1,)), r'1 sigmas were given for 2 joints \(a, b\)'),
        ((('a',), (0.0,)), r'sigmas are positive numbers, not \[0.0\]'),
        ((('a', 'b'), (1, 1), (('a', 'c'),)), 'unknown joints: c; the joints are a, b'),
        ((('a', 'b', 'c'), (1, 1, 1), (('a', 'b'), ('b', 'c'))), 'each joint with one other'),
        ((('a',), (1,), (('a', 'a'),)), 'each joint with one other'),
    ],
)
def test_wrong_skeletons(arguments, message):
    with pytest.raises(ValueError, match=message):
        Skeleton(*arguments)


def test_pairs_in_both_orders():
    both = Skeleton(('a', 'b', 'c'), (1, 1, 1), (('c', 'a'), ('a', 'c')))
    assert both.mirror.tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ('instances', 'predictions', 'message'),
    [
        ([instance(keypoints=[])], [], 'none of the 1 annotations has keypoints'),
        ([], [], 'none of the 0 annotations has keypoints'),
        ([instance(keypoints=[1, 2, 2])], [], 'annotation 1 has 3 numbers .* 3 joints .* need 9'),
        ([instance()], [predicted(image=7)], r'1 of image_id that the data set lacks \(7\)'),
        ([instance()], [predicted(category=7)], r'1 of category_id that the data set lacks'),
        ([instance()], [predicted(keypoints=[1, 2])], 'prediction 0 has 2 numbers'),
        ([instance()], [predicted(moved(1, (math.nan, 1)))], 'prediction 0 has .* no finite'),
        ([instance()], [predicted(score=math.nan)], 'prediction 0 has a score that is no finite'),
        ([instance()], [{'image_id': 1, 'category_id': 1}], 'prediction 0 has no score and no key'),
    ],
)
def test_wrong_data(instances, predictions, message):
    with pytest.raises(ValueError, match=message):
        errors(instances, predictions)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'oks': []}, r'not \[\]'),
        ({'oks': [0.5, 50]}, r'up to 1, not \[0.5, 50\]'),
        ({'formula': 'other'}, "no formula 'other'; there are paper, released"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        errors([instance()], [], **options)
