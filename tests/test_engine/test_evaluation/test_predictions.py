"""What models find, on generated shapes; found once and then kept."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from kit import shapes_options
from mmdet.evaluation import CocoMetric
from mmengine.config import Config
from pycocotools import mask as rle
from repository import DEMO

import mmlth.engine.evaluation.predictions
from mmlth import LotteryError, Mask, Ticket
from mmlth.data import make_shapes
from mmlth.engine.configs.reading import read_config
from mmlth.engine.evaluation.coco_metric import DataSet, evaluating_objects
from mmlth.engine.evaluation.evaluation import Evaluation
from mmlth.engine.evaluation.predictions import Predictor, _check_same_classes
from mmlth.engine.evaluation.samples import Samples
from mmlth.engine.evaluation.training_counts import training_counts
from mmlth.engine.models.building import build_model


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('shapes')
    make_shapes(root, train=6, val=4)
    return root


def config_of(root, **options):
    return read_config(DEMO, {**shapes_options(root), **options})


def val(root):
    return f'{root}/annotations/val.json'


def ticket(root, seed=0):
    torch.manual_seed(seed)
    state = build_model(config_of(root)).state_dict()
    return Ticket(
        Mask.dense({'rpn_head.rpn_conv.weight': state['rpn_head.rpn_conv.weight']}), state
    )


@pytest.fixture(scope='module')
def found(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp('predictions')
    told = []
    predictor = Predictor(config_of(root), folder)
    predictions, data = predictor(ticket(root), lambda *progress: told.append(progress))
    return predictions, data, told, folder


def test_boxes_and_masks_are_those_that_the_config_evaluates(root, found, tmp_path):
    predictions, data, told, _ = found
    assert list(predictions.results) == ['bbox', 'segm']
    assert 0 < len(predictions.results['bbox']) == len(predictions.results['segm'])
    assert predictions.metrics == Evaluation(config_of(root), tmp_path)(ticket(root).state_dict())
    truth = json.loads(Path(val(root)).read_text())
    assert [data.coco[key] for key in ('images', 'categories')] == [
        truth[key] for key in ('images', 'categories')
    ]
    boxes = [[each['bbox'] for each in coco['annotations']] for coco in (data.coco, truth)]
    assert boxes[0] == boxes[1]
    areas = [rle.area(each['segmentation']) for each in data.coco['annotations']]
    expected = [each['area'] for each in truth['annotations']]
    np.testing.assert_allclose(areas, expected, rtol=0.1, atol=5)  # masks of polygons
    assert told[-1][0] == told[-1][1] > 0


def test_what_was_found_is_read(root, found, monkeypatch):
    predictions, data, _, folder = found
    monkeypatch.setattr(mmlth.engine.evaluation.predictions, 'Evaluation', None)
    assert Predictor(config_of(root), folder)(ticket(root)) == (predictions, data)


@pytest.mark.parametrize('other', ['weights', 'settings', 'annotations', 'images'])
def test_anything_else_is_found_anew(root, found, tmp_path, monkeypatch, other):
    *_, folder = found
    monkeypatch.setattr(mmlth.engine.evaluation.predictions, 'Evaluation', None)
    options = {'model.test_cfg.rcnn.score_thr': 0.3} if other == 'settings' else {}
    root = shutil.copytree(root, tmp_path / 'shapes')
    if other == 'annotations':
        truth = json.loads(Path(val(root)).read_text())
        truth['annotations'].pop()
        Path(val(root)).write_text(json.dumps(truth))
    if other == 'images':
        next(root.glob('images/*')).unlink()
    predictor = Predictor(config_of(root, **options), folder)
    with pytest.raises(TypeError, match='NoneType'):
        predictor(ticket(root, seed=1 if other == 'weights' else 0))


def test_a_moved_data_set_is_the_same(root, found, tmp_path, monkeypatch):
    predictions, data, _, folder = found
    monkeypatch.setattr(mmlth.engine.evaluation.predictions, 'Evaluation', None)
    moved = shutil.copytree(root, tmp_path / 'moved')
    assert Predictor(config_of(moved), folder)(ticket(root)) == (predictions, data)


def test_ground_truth_of_any_data_set(root, found, tmp_path):
    """A metric that writes no COCO results, as of VOC, gets one beside it that does."""
    config = config_of(root)
    config.val_evaluator = {'type': 'VOCMetric', 'metric': 'mAP'}
    predictions, data = Predictor(config, tmp_path)(ticket(root))
    assert any(name.startswith('pascal_voc/') for name in predictions.metrics)
    boxes = [[each['bbox'] for each in p.results['bbox']] for p in (predictions, found[0])]
    np.testing.assert_allclose(boxes[0], boxes[1], atol=1e-4)
    expected = Counter(each['image_id'] for each in found[1].coco['annotations'])
    assert Counter(each['image_id'] for each in data.coco['annotations']) == expected


def test_an_evaluator_around_the_metrics(root, found, tmp_path):
    config = config_of(root)
    config.val_evaluator = {'metrics': [config.val_evaluator]}
    predictions, _ = Predictor(config, tmp_path)(ticket(root))
    assert predictions.results == found[0].results
    config = config_of(root)
    several = {'metrics': [config.val_evaluator], 'datasets': [{'type': 'CocoDataset'}]}
    config.val_evaluator = {'type': 'mmpose.MultiDatasetEvaluator', **several}
    with pytest.raises(LotteryError, match=r'by a MultiDatasetEvaluator, but .* one data set'):
        Predictor(config, tmp_path)(ticket(root))


def test_metrics_of_configs_of_the_newer_style(tmp_path):
    """Their ``type`` is a class."""
    (tmp_path / 'new.py').write_text(
        'from mmdet.evaluation import CocoMetric\n'
        "default_scope = 'mmdet'\n"
        'val_evaluator = dict(type=CocoMetric)\n'
    )
    config = Config.fromfile(tmp_path / 'new.py')
    assert evaluating_objects(config).val_evaluator == {'type': CocoMetric}


def test_errors_are_one_line(root, tmp_path):
    config = config_of(root)
    config.test_evaluator = None
    with pytest.raises(LotteryError, match=r'lacks test_evaluator.*choose --split val'):
        Predictor(config, tmp_path, 'test')
    with pytest.raises(LotteryError, match=r'choose one of val, test'):
        Predictor(config, tmp_path, 'train')
    other = ticket(root)
    state = {name: tensor for name, tensor in other.state_dict().items() if 'fc_cls' not in name}
    with pytest.raises(LotteryError, match='weights are of another model'):
        Predictor(config, tmp_path)(Ticket(other.mask, state))


def test_training_counts(root):
    truth = json.loads((root / 'annotations/train.json').read_text())
    names = {each['id']: each['name'] for each in truth['categories']}
    expected = Counter(names[each['category_id']] for each in truth['annotations'])
    config = config_of(root)
    assert training_counts(config) == {name: expected[name] for name in names.values()}
    config.train_dataloader.dataset = {
        'type': 'RepeatDataset',
        'times': 3,
        'dataset': config.train_dataloader.dataset,
    }
    assert training_counts(config) == {name: expected[name] for name in names.values()}
    # Whatever order the config lists the classes in, labels have that of the annotation file.
    config.train_dataloader.dataset.dataset.metainfo.classes = list(names.values())[::-1]
    assert training_counts(config) == {name: expected[name] for name in names.values()}


def test_training_counts_that_cannot_be_are_one_line(root):
    config = config_of(root)
    config.train_dataloader.dataset.ann_file = 'annotations/none.json'
    with pytest.raises(LotteryError, match=r'train_dataloader\.dataset\.ann_file does not exist'):
        training_counts(config)
    config.train_dataloader = None
    with pytest.raises(LotteryError, match='has no train_dataloader'):
        training_counts(config)


def test_classes_are_the_same_in_any_order(root, found):
    predictions, data, _, folder = found
    weights, names = ticket(root), [each['name'] for each in data.coco['categories']]

    def trained_on(classes):
        return Ticket(weights.mask, weights.weights, {'dataset_meta': {'classes': classes}})

    predictor = Predictor(config_of(root), folder)
    assert predictor(trained_on(names[::-1])) == (predictions, data)
    with pytest.raises(LotteryError, match='trained on the classes circle, but the data set has'):
        predictor(trained_on(names[:1]))


def test_keypoints_are_the_same_in_their_own_order():
    data = DataSet({'categories': [{'id': 1, 'name': 'person'}]}, joints=('left', 'right'))

    def trained_on(*joints):
        meta = {'classes': ['other'], 'keypoint_id2name': dict(enumerate(joints))}
        return Ticket(Mask({'w': torch.ones(1, 1, dtype=torch.bool)}), {}, {'dataset_meta': meta})

    _check_same_classes(trained_on('left', 'right'), data)
    with pytest.raises(LotteryError, match='trained on the keypoints right, left, but'):
        _check_same_classes(trained_on('right', 'left'), data)


def test_samples(root, found):
    _, data, _, _ = found
    image = data.coco['images'][1]
    own = [each for each in data.coco['annotations'] if each['image_id'] == image['id']]
    samples = Samples(config_of(root))
    bare, drawn = (samples.draw(image['id'], objects, data.coco) for objects in ([], own))
    assert bare.shape == drawn.shape == (image['height'], image['width'], 3)
    changed = (bare != drawn).any(2)
    x, y, width, height = map(round, own[0]['bbox'])
    assert changed[y : y + height, x : x + width].mean() > 0.3  # its mask is filled
    listed = config_of(root)
    listed.val_dataloader.dataset.metainfo.classes = ('triangle', 'square', 'circle')
    again = Samples(listed).draw(image['id'], own, data.coco)
    assert (again == drawn).all()  # classes are still those of the annotations
    with pytest.raises(LotteryError, match='image nobody cannot be read'):
        samples.draw('nobody', [], data.coco)
