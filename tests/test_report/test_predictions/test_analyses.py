"""Sections on what models find: of predictions made from the ground truth, so that all is known."""

import csv
import importlib.util
import json

import pytest
from kit import shapes_options
from pycocotools import mask as rle
from repository import ROOT
from rich.table import Table
from sections import texts

from mmlth import LotteryError
from mmlth.data import make_shapes
from mmlth.engine import read_config
from mmlth.engine.evaluation.coco_metric import DataSet
from mmlth.engine.evaluation.predictions import Predictions
from mmlth.report.page import CsvFile, Details, Figure, Images, write_page
from mmlth.report.predictions.analyses import analysis_sections, failures
from mmlth.report.predictions.models import Models

DETECTOR = ROOT / 'configs/lth/mask_rcnn/mask_rcnn_tiny_shapes_imp.py'


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('shapes')
    make_shapes(root, train=6, val=4)
    return root


def models_of(root, finds, kinds=('bbox', 'segm')):
    """Models of which each finds those annotations that it is told, with certainty."""
    coco = json.loads((root / 'annotations/val.json').read_text())
    sizes = {image['id']: (image['height'], image['width']) for image in coco['images']}
    predictions = {}
    for name, keeps in finds.items():
        results = {kind: [] for kind in kinds}
        for each in filter(keeps, coco['annotations']):
            about = {key: each[key] for key in ('image_id', 'category_id')} | {'score': 0.9}
            mask = rle.merge(rle.frPyObjects(each['segmentation'], *sizes[each['image_id']]))
            mask['counts'] = mask['counts'].decode()
            given = {'bbox': about | {'bbox': each['bbox']}}
            given['segm'] = given['bbox'] | {'segmentation': mask}
            for kind in kinds:
                results[kind].append(given[kind])
        predictions[name] = Predictions(results, {})
    return Models(read_config(DETECTOR, shapes_options(root)), DataSet(coco), predictions), coco


def flat(section):
    return [part.part if isinstance(part, Details) else part for part in section.parts]


@pytest.fixture(scope='module')
def sections(root):
    """The dense model finds everything, the ticket all but one class."""
    models, coco = models_of(
        root, {'dense': lambda _: True, 'ticket': lambda each: each['category_id'] != 1}
    )
    return analysis_sections(models), coco


def test_attributes_and_errors_are_of_these_predictions(sections, tmp_path):
    (attributes, errors, samples), coco = sections
    assert [part.title for part in (attributes, errors, samples)] == [
        'Attributes',
        'Errors',
        'Samples',
    ]
    write_page('shapes', [attributes, errors], tmp_path)
    with (tmp_path / 'attributes.csv').open() as file:
        rows = {
            tuple(r[k] for k in ('kind', 'by', 'group', 'model')): r for r in csv.DictReader(file)
        }
    lost = next(each['name'] for each in coco['categories'] if each['id'] == 1)
    classes = len({each['category_id'] for each in coco['annotations']})
    for kind in ('bbox', 'segm'):
        overall = {model: row for (k, a, _, model), row in rows.items() if (k, a) == (kind, 'all')}
        assert float(overall['dense']['ap']) == pytest.approx(1)
        assert float(overall['ticket']['ap']) == pytest.approx(1 - 1 / classes)
        assert float(rows[kind, 'class', lost, 'ticket']['ap']) == 0
    with (tmp_path / 'errors.csv').open() as file:
        rows = [row for row in csv.DictReader(file) if row['error'] == 'Miss']
    missed = {(row['kind'], row['model']): (float(row['gain']), int(row['count'])) for row in rows}
    gone = sum(each['category_id'] == 1 for each in coco['annotations'])
    for kind in ('bbox', 'segm'):
        assert missed[kind, 'dense'] == (0, 0)
        assert missed[kind, 'ticket'] == (pytest.approx(1 / classes), gone)


def test_samples_show_truth_and_each_model(sections):
    (*_, samples), coco = sections
    photos = [part.images for part in samples.parts if isinstance(part, Images)]
    assert len(photos) == len(coco['images']) == 4
    for image, (truth, dense, ticket) in zip(coco['images'], photos):
        own = [each for each in coco['annotations'] if each['image_id'] == image['id']]
        left = sum(each['category_id'] != 1 for each in own)
        captions = [photo.caption.split(': ') for photo in (truth, dense, ticket)]
        assert [title for title, _ in captions] == ['ground truth', 'dense', 'ticket']
        assert [int(count.split()[0]) for _, count in captions] == [len(own), len(own), left]
        assert (dense.jpeg == ticket.jpeg) == (left == len(own))


def test_one_model_alone(root):
    models, _ = models_of(root, {'dense': lambda _: True}, kinds=('bbox',))
    sections = analysis_sections(models)
    figures = [
        part.name for section in sections for part in flat(section) if isinstance(part, Figure)
    ]
    assert figures == ['errors_bbox']  # nothing changes against the dense model


def perfect(root, *kinds):
    return models_of(root, {'dense': lambda _: True}, kinds)[0]


def numbers(section):
    return [part.name for part in section.parts if isinstance(part, CsvFile)]


def without(monkeypatch, name):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda n, *r: None if n == name else find(n, *r)
    )


def test_without_tide_there_are_attributes_and_samples(root, monkeypatch):
    without(monkeypatch, 'tidecv')
    attributes, errors, samples = analysis_sections(perfect(root, 'bbox'))
    (line,) = errors.parts
    assert line == (
        'Not analysed: TIDE needs the package tidecv, which is not installed: '
        "pip install 'mmlth[analysis]'"
    )
    assert failures([attributes, errors, samples]) == [
        'Errors are not analysed: ' + line.removeprefix('Not analysed: ')
    ]
    assert numbers(attributes) == ['attributes.csv']
    assert any(isinstance(part, Images) for part in samples.parts)


def test_masks_that_cannot_be_judged_leave_the_boxes(root, tmp_path):
    models = perfect(root, 'bbox', 'segm')
    del models.data.coco['annotations'][0]['segmentation']
    attributes, errors, samples = sections = analysis_sections(models)
    for section in (attributes, errors):
        (line,) = [part for part in texts(section) if part.startswith('No masks here: ')]
        assert '1 of the' in line
        assert "no 'segmentation'" in line
    assert failures(sections) == []
    write_page('shapes', [attributes, errors], tmp_path)
    for name in ('attributes.csv', 'errors.csv'):
        with (tmp_path / name).open() as file:
            assert {row['kind'] for row in csv.DictReader(file)} == {'bbox'}
    assert any(isinstance(part, Images) for part in samples.parts)


def test_images_that_cannot_be_read_leave_the_rest(root):
    models = perfect(root, 'bbox')
    models.config.val_dataloader.dataset.data_prefix = {'img': 'elsewhere/'}
    attributes, errors, samples = analysis_sections(models)
    (line,) = samples.parts
    assert line.startswith('Not analysed: ')
    assert 'elsewhere' in line
    assert (numbers(attributes), numbers(errors)) == (['attributes.csv'], ['errors.csv'])


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        ({'train_dataloader': None}, 'the config has no train_dataloader'),
        (
            {'train_dataloader.dataset.ann_file': 'none.json'},
            'train_dataloader.dataset.ann_file does not exist',
        ),
        ({'train_dataloader.dataset.metainfo': {'classes': ('circle',)}}, 'have no class square'),
    ],
)
def test_without_training_data_there_are_no_groups_by_frequency(root, sections, change, reason):
    ((known, _, _), _), models = sections, perfect(root, 'bbox')
    models.config.merge_from_dict(change)
    attributes, _, _ = analysis_sections(models)
    (line,) = [part for part in texts(attributes) if part.startswith('No groups by frequency')]
    assert reason in line
    tables = [next(p for p in s.parts if isinstance(p, Table)) for s in (known, attributes)]
    named = [[str(cell) for cell in table.columns[0].cells] for table in tables]
    assert ['training frequency' in names for names in named] == [True, False]
    assert 'difficulty' in named[1]


def test_data_that_do_not_fit_are_one_line(root):
    models = perfect(root, 'bbox', 'segm')
    models.data.coco['annotations'].clear()
    with pytest.raises(ValueError, match='the ground truth holds no annotations'):
        analysis_sections(models)
    models = perfect(root, 'bbox', 'segm')
    models.predictions['dense'].results['segm'][0]['image_id'] = 'x'
    with pytest.raises(ValueError, match='dense has predictions with image_id x'):
        analysis_sections(models)


def test_a_model_that_finds_nothing_is_one_line(root):
    models, _ = models_of(root, {'dense': lambda _: True, 'ticket': lambda _: False})
    with pytest.raises(ValueError, match=r'ticket predicts nothing.*score threshold'):
        analysis_sections(models)


def test_kinds_that_all_predict(root):
    boxes, _ = models_of(root, {'dense': lambda _: True}, kinds=('bbox',))
    both, _ = models_of(root, {'ticket': lambda _: True})
    joined = Models(both.config, both.data, {**boxes.predictions, **both.predictions})
    assert joined.kinds == ['bbox']
    nothing = Models(both.config, both.data, {'dense': Predictions({}, {})})
    with pytest.raises(LotteryError, match='neither boxes, masks nor keypoints'):
        analysis_sections(nothing)
