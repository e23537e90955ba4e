"""Laws of the generated set: exact, consistent, the same every time, and safe to ask for twice."""

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from converters import load_converter
from kit import contents
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from repository import ROOT

from mmlth.data import CLASSES, KEYPOINTS, SKELETON, make_shapes
from mmlth.data.scene import MAX_HIDDEN, MAX_SHAPES, MIN_SIZE

SCRIPT = ROOT / 'tools' / 'dataset_converters' / 'shapes.py'
TRAIN, VAL = 40, 6


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set that the tests of this module read and do not change."""
    root = tmp_path_factory.mktemp('shapes') / 'set'
    make_shapes(root, TRAIN, VAL)
    return root


@pytest.fixture(scope='module')
def script() -> ModuleType:
    return load_converter('shapes')


def annotations(root: Path, split: str = 'train') -> list[dict[str, Any]]:
    return json.loads((root / 'annotations' / f'{split}.json').read_text())['annotations']


def load(root: Path, split: str = 'train') -> COCO:
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(root / 'annotations' / f'{split}.json'))


def polygon(annotation: dict[str, Any]) -> np.ndarray:
    return np.array(annotation['segmentation'][0]).reshape(-1, 2)


def pixels_where_drawn(root: Path, coco: COCO, annotation: dict[str, Any]) -> np.ndarray:
    """Where the picture has the colour of the annotation's class: its channel far above others."""
    name = coco.imgs[annotation['image_id']]['file_name']
    picture = cv2.imread(str(root / 'images' / name)).astype(int)
    channel = {'circle': 2, 'square': 1, 'triangle': 0}[CLASSES[annotation['category_id'] - 1]]
    others = np.delete(picture, channel, axis=2).max(axis=2)
    return picture[..., channel] - others > 40


def test_the_same_seed_gives_the_same_bytes(root: Path, tmp_path: Path) -> None:
    make_shapes(tmp_path / 'again', TRAIN, VAL)
    assert contents(tmp_path / 'again') == contents(root)


def test_every_picture_of_every_split_and_seed_is_its_own(root: Path, tmp_path: Path) -> None:
    make_shapes(tmp_path / 'other', TRAIN, VAL, seed=1)
    pictures = [p.read_bytes() for r in (root, tmp_path / 'other') for p in r.glob('images/*')]
    assert len(set(pictures)) == len(pictures) == 2 * (TRAIN + VAL)


def test_a_larger_set_begins_with_the_smaller_one(root: Path, tmp_path: Path) -> None:
    make_shapes(tmp_path / 'small', train=3, val=2)
    small, large = contents(tmp_path / 'small'), contents(root)
    pictures = [name for name in small if name.startswith('images')]
    assert len(pictures) == 5
    assert all(small[name] == large[name] for name in pictures)
    few = annotations(tmp_path / 'small')
    assert few == annotations(root)[: len(few)]


def test_pictures_have_the_size_asked_for(tmp_path: Path) -> None:
    make_shapes(tmp_path / 'wide', train=1, val=1, size=(160, 96))
    coco = load(tmp_path / 'wide')
    assert (coco.imgs[1]['width'], coco.imgs[1]['height']) == (160, 96)
    assert cv2.imread(str(tmp_path / 'wide/images/train_00000.png')).shape == (96, 160, 3)


def test_box_and_area_are_those_of_the_polygon(root: Path) -> None:
    for annotation in annotations(root):
        corners = polygon(annotation)
        low, high = corners.min(0), corners.max(0)
        assert annotation['bbox'] == [*low, *(high - low)]
        assert annotation['area'] == cv2.contourArea(corners.astype(np.float32))
        assert (low >= 0).all()
        assert (high <= 128).all()


def test_keypoints_lie_in_the_shape_and_where_their_names_say(root: Path) -> None:
    for annotation in annotations(root):
        outline = polygon(annotation).astype(np.float32)
        x, y, flags = np.array(annotation['keypoints']).reshape(-1, 3).T
        left, top, width, height = annotation['bbox']
        assert ((x >= left) & (x <= left + width) & (y >= top) & (y <= top + height)).all()
        # A keypoint on a slanting side is off it by the rounding of coordinates: below 1/16 pixel.
        assert all(cv2.pointPolygonTest(outline, p, True) > -1 / 16 for p in zip(x, y))
        at = dict(zip(KEYPOINTS, zip(x, y)))
        assert at['left'][0] < at['centre'][0] < at['right'][0]
        assert at['top'][1] < at['centre'][1] < at['bottom'][1]
        assert set(flags) <= {1, 2}
        assert annotation['num_keypoints'] == len(KEYPOINTS)


def test_a_keypoint_is_flagged_hidden_exactly_where_a_later_shape_covers_it(root: Path) -> None:
    result = annotations(root)
    hidden = 0
    for i, annotation in enumerate(result):
        later = [a for a in result[i + 1 :] if a['image_id'] == annotation['image_id']]
        for x, y, flag in np.array(annotation['keypoints']).reshape(-1, 3):
            covered = any(
                cv2.pointPolygonTest(polygon(a).astype(np.float32), (x, y), False) >= 0
                for a in later
            )
            assert flag == (1 if covered else 2)
            hidden += covered
    assert hidden > 0


def test_what_is_annotated_is_what_is_drawn(root: Path) -> None:
    coco = load(root)
    lone = [a for a in coco.anns.values() if len(coco.getAnnIds(a['image_id'])) == 1]
    assert {a['category_id'] for a in lone} == {1, 2, 3}
    for annotation in lone:
        mask = coco.annToMask(annotation).astype(bool)
        drawn = pixels_where_drawn(root, coco, annotation)
        assert (mask & drawn).sum() / (mask | drawn).sum() > 0.9


def test_every_shape_is_mostly_visible(root: Path) -> None:
    coco = load(root)
    shares = []
    for annotation in coco.anns.values():
        mask = coco.annToMask(annotation).astype(bool)
        free = mask.copy()
        for later in coco.imgToAnns[annotation['image_id']]:
            if later['id'] > annotation['id']:
                free &= ~coco.annToMask(later).astype(bool)
        shares.append(free.sum() / mask.sum())
    assert min(shares) > 1 - MAX_HIDDEN - 0.06  # pixels of the masks' edges
    assert min(shares) < 1  # shapes do overlap


def test_every_class_and_coco_size_occurs(root: Path) -> None:
    result = annotations(root)
    assert {a['category_id'] for a in result} == {1, 2, 3}
    areas = [a['area'] for a in result]
    assert min(areas) < 32**2 < max(areas) < 96**2
    assert min(min(a['bbox'][2:]) for a in result) > MIN_SIZE - 1
    per_image = np.bincount([a['image_id'] for a in result])[1:]
    assert len(per_image) == TRAIN
    assert set(per_image) == set(range(1, MAX_SHAPES + 1))


def test_categories_name_keypoints_and_skeleton(root: Path) -> None:
    categories = load(root, 'val').loadCats([1, 2, 3])
    assert [c['name'] for c in categories] == list(CLASSES)
    for category in categories:
        assert category['keypoints'] == list(KEYPOINTS)
        assert category['skeleton'] == [list(pair) for pair in SKELETON]
        assert {k for pair in category['skeleton'] for k in pair} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize('kind', ['bbox', 'segm', 'keypoints'])
def test_cocoeval_scores_the_truth_1(root: Path, kind: str) -> None:
    coco = load(root)
    answers = [
        dict(
            image_id=a['image_id'],
            category_id=a['category_id'],
            score=1.0,
            **{
                'bbox': dict(bbox=a['bbox']),
                'segm': dict(segmentation=coco.annToRLE(a)),
                'keypoints': dict(keypoints=a['keypoints']),
            }[kind],
        )
        for a in coco.anns.values()
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(coco, coco.loadRes(answers), kind)
        evaluation.params.kpt_oks_sigmas = np.full(len(KEYPOINTS), 0.05)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == 1.0


def test_a_finished_set_is_left_alone(tmp_path: Path) -> None:
    make_shapes(tmp_path, train=1, val=1)
    picture = tmp_path / 'images' / 'train_00000.png'
    picture.write_bytes(b'touched')
    make_shapes(tmp_path, train=1, val=1)
    assert picture.read_bytes() == b'touched'


def test_an_interrupted_set_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_shapes(tmp_path / 'whole', train=3, val=1)

    def full_disk(*_: object) -> None:
        raise OSError('no space left')

    with monkeypatch.context() as patch:
        patch.setattr('mmlth.data.shapes.visibility', full_disk)
        with pytest.raises(OSError, match='no space'):
            make_shapes(tmp_path / 'part', train=3, val=1)
    assert 'annotations/train.json' not in contents(tmp_path / 'part')
    make_shapes(tmp_path / 'part', train=3, val=1)
    assert contents(tmp_path / 'part') == contents(tmp_path / 'whole')


@pytest.mark.parametrize('other', [dict(train=2), dict(val=2), dict(seed=1), dict(size=(64, 64))])
def test_other_parameters_in_the_same_folder_are_refused(
    root: Path, tmp_path: Path, other: dict[str, Any]
) -> None:
    make_shapes(tmp_path, **dict(dict(train=1, val=1), **other))
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=r'holds shapes made with .*choose another folder'):
        make_shapes(tmp_path, train=1, val=1)
    assert contents(tmp_path) == before


def test_a_folder_of_other_things_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'annotations' / 'train.json').write_text('mine')
    with pytest.raises(ValueError, match='is not a set of shapes'):
        make_shapes(tmp_path, train=1, val=1)
    assert contents(tmp_path) == {'annotations/train.json': b'mine'}


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('mine')
    with pytest.raises(ValueError, match='is not a set of shapes'):
        make_shapes(tmp_path / 'file', train=1, val=1)


@pytest.mark.parametrize('marker', ['{"train": 1', '[1]', ''])
def test_a_damaged_marker_is_named(tmp_path: Path, marker: str) -> None:
    (tmp_path / 'shapes.json').write_text(marker)
    with pytest.raises(ValueError, match=r'shapes\.json is damaged .*delete'):
        make_shapes(tmp_path, train=1, val=1)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(train=0), 'train must be at least 1 picture, got 0'),
        (dict(val=-1), 'val must be at least 1 picture, got -1'),
        (dict(size=(63, 128)), r'at least 64 pixels, got \(63, 128\)'),
        (dict(size=(128,)), r'a width and a height .* got \(128,\)'),
        (dict(seed=-1), 'seed must be from 0 to 4294967295, got -1'),
        (dict(seed=2**32), 'seed must be from 0 to 4294967295, got 4294967296'),
    ],
)
def test_an_argument_out_of_range_is_named_and_nothing_written(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_shapes(tmp_path / 'set', **arguments)
    assert not (tmp_path / 'set').exists()


def test_the_script_makes_the_same_set(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ['--train', '2', '--val', '1', '--size', '96', '64', '--seed', '7']
    assert script.main([str(tmp_path / 'cli'), *options]) == 0
    assert '2 training and 1 validation' in capsys.readouterr().out
    make_shapes(tmp_path / 'api', train=2, val=1, size=(96, 64), seed=7)
    assert contents(tmp_path / 'cli') == contents(tmp_path / 'api')


def test_the_script_says_what_is_wrong_in_one_line_and_exits_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, 'argv', [str(SCRIPT), str(tmp_path / 'set'), '--train', '0'])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(str(SCRIPT), run_name='__main__')
    assert exit_.value.code == 1
    assert capsys.readouterr() == ('', 'shapes: train must be at least 1 picture, got 0\n')
