"""What a pose estimator of MMPose predicts, and the sections on it."""

import pytest
import torch
from poses import POSE

from mmlth import LotteryError, Mask, Ticket
from mmlth.analysis.detection import CocoRules, attributes, score
from mmlth.data import KEYPOINTS, make_shapes
from mmlth.engine.configs.reading import read_config
from mmlth.engine.evaluation.predictions import Predictor
from mmlth.engine.evaluation.samples import Samples
from mmlth.engine.models.building import build_model
from mmlth.report.page import CsvFile, Figure, Images
from mmlth.report.predictions.analyses import analysis_sections
from mmlth.report.predictions.models import predict_all

SIGMA = 0.8  # so wide that what untrained weights find is neither all right nor all wrong


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('poses')
    make_shapes(folder / 'shapes', train=2, val=4)
    (folder / 'pose.py').write_text(POSE.format(keypoints=list(KEYPOINTS), root=folder / 'shapes'))
    return folder


def config_of(folder, **options):
    told = {
        'val_dataloader.dataset.metainfo.sigmas': [SIGMA] * len(KEYPOINTS),
        'val_evaluator.score_mode': 'bbox',  # of the ground truth, so 1
        'val_evaluator.nms_mode': 'none',
    }
    return read_config(folder / 'pose.py', {**told, **options})


def ticket(config, seed):
    torch.manual_seed(seed)
    state = build_model(config).state_dict()
    state['head.final_layer.weight'].normal_()  # or all peaks would be in one corner
    name = 'backbone.conv1.weight'
    return Ticket(Mask.dense({name: state[name]}), state)


def predicted(folder, *names, **options):
    config = config_of(folder, **options)
    tickets = {name: ticket(config, seed) for seed, name in enumerate(names)}
    return predict_all(config, tickets, folder / 'predictions')


@pytest.fixture(scope='module')
def models(folder):
    return predicted(folder, 'dense', 'ticket')


def test_predictions_are_keypoints_of_each_object(models):
    assert models.kinds == ['keypoints']
    coco, predictions = models.data.coco, models.results('keypoints')
    assert models.data.joints == tuple(KEYPOINTS)
    assert models.data.sigmas == pytest.approx((SIGMA,) * 5)
    assert [set(pair) for pair in models.data.swaps] == [{'left', 'right'}]
    objects = [(each['image_id'], each['category_id']) for each in coco['annotations']]
    for results in predictions.values():
        # As this model is top-down: one of each box.
        assert sorted((r['image_id'], r['category_id']) for r in results) == sorted(objects)
        assert {len(each['keypoints']) for each in results} == {3 * len(KEYPOINTS)}
        assert {len(each['bbox']) for each in results} == {4}
        assert {each['score'] for each in results} == {1}
    assert predictions['dense'] != predictions['ticket']


def average_precision(models):
    data, results = models.data, models.results('keypoints')
    scores = score(data.coco, results, 'keypoints', CocoRules(sigmas=data.sigmas), replicates=0)
    return attributes(scores).overall.models['dense'].ap.value


def test_average_precision_is_that_of_the_metric_with_areas_and_without(folder, models):
    by_boxes = predicted(folder, 'dense', **{'val_evaluator.use_area': False})
    result = {}
    for way, each in (('area', models), ('box', by_boxes)):
        result[way] = average_precision(each)
        assert result[way] == pytest.approx(each.predictions['dense'].metrics['coco/AP'])
    assert 0 < result['box'] < result['area'] < 1  # shapes fill more of their box than 0.53


def test_sections_are_of_keypoints(models):
    groups, errors, samples = analysis_sections(models)
    told = [part for part in groups.parts if isinstance(part, str)]
    assert told[1].startswith('No groups by frequency in training: CocoDataset tells no classes')
    names = [part.name for part in errors.parts if isinstance(part, (Figure, CsvFile))]
    assert names == [
        'keypoint_errors',
        'keypoint_errors.csv',
        'keypoint_curves.csv',
        'keypoint_kinds.csv',
    ]
    photos = [part.images for part in samples.parts if isinstance(part, Images)]
    assert len(photos) == 4
    coco = models.data.coco
    for image, shown in zip(coco['images'], photos):
        count = sum(each['image_id'] == image['id'] for each in coco['annotations'])
        captions = [photo.caption.split(': ') for photo in shown]
        assert [title for title, _ in captions] == ['ground truth', 'dense', 'ticket']
        assert {int(told.split()[0]) for _, told in captions} == {count}
        assert len({photo.jpeg for photo in shown}) == 3


def test_poses_are_drawn_with_a_box_and_without(folder, models):
    coco, samples = models.data.coco, Samples(config_of(folder))
    image = coco['images'][0]
    own = [each for each in coco['annotations'] if each['image_id'] == image['id']]
    bare, drawn = (samples.draw(image['id'], objects, coco) for objects in ([], own))
    x, y = map(round, own[0]['keypoints'][:2])
    changed = (bare != drawn).any(2)
    assert changed[y - 1 : y + 2, x - 1 : x + 2].all()
    bottom_up = [{key: each[key] for key in each if key != 'bbox'} for each in own]
    assert (samples.draw(image['id'], bottom_up, coco) == drawn).all()


def test_absent_annotations_are_one_line(folder):
    config = config_of(folder, **{'val_dataloader.dataset.ann_file': 'none.json'})
    with pytest.raises(LotteryError, match=r'val_dataloader\.dataset\.ann_file does not exist'):
        Predictor(config, folder)


def test_the_page_says_whose_rules_tell_errors_of_keypoints(models):
    for formula, words in (
        ('paper', 'rules of the paper:'),
        ('released', 'released code (kinds go'),
    ):
        _, errors, _ = analysis_sections(models, formula)
        assert words in errors.parts[0]
