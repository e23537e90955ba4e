"""The converter to maps of labels: what it paints; on bad input, one clear line."""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from converters import error_line, load_converter
from kit import contents
from pycocotools import mask as rle
from repository import ROOT

from mmlth.data import make_shapes

NUCLEI = ROOT / 'data' / 'nuclei'
CATEGORIES = [dict(id=7, name='dog'), dict(id=3, name='cat')]
HEIGHT, WIDTH = 6, 8


@pytest.fixture(scope='module')
def semantic() -> ModuleType:
    return load_converter('semantic')


def box(left: int, top: int, right: int, bottom: int) -> list[list[float]]:
    return [[left, top, right, top, right, bottom, left, bottom]]


def make_set(
    root: Path, objects: list[dict[str, Any]], names: tuple[str, str] = ('a.png', 'b.png')
) -> Path:
    """A set with one image to train on, which has the objects, and an empty one to validate on."""
    (root / 'annotations').mkdir(parents=True)
    (root / 'images').mkdir()
    for split, name, own in zip(('train', 'val'), names, (objects, [])):
        image = dict(id=5, file_name=name, height=HEIGHT, width=WIDTH)
        annotations = [dict(image_id=5, iscrowd=0, **each) for each in own]
        content = dict(images=[image], annotations=annotations, categories=CATEGORIES)
        (root / 'annotations' / f'{split}.json').write_text(json.dumps(content))
        cv2.imwrite(str(root / 'images' / name), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
    return root


def labels_of(out: Path, stem: str) -> np.ndarray:
    return cv2.imread(str(out / 'labels' / f'{stem}.png'), cv2.IMREAD_UNCHANGED)


def test_later_objects_lie_over_earlier_ones(semantic: ModuleType, tmp_path: Path) -> None:
    whole = np.zeros((HEIGHT, WIDTH), np.uint8, order='F')
    whole[4:, 6:] = 1
    run_lengths = rle.encode(whole)
    run_lengths['counts'] = run_lengths['counts'].decode()
    objects = [
        dict(category_id=7, segmentation=box(0, 0, 4, 3)),
        dict(category_id=3, segmentation=box(2, 0, 6, 2)),
        dict(category_id=3, segmentation=run_lengths),
        dict(category_id=7, segmentation=dict(size=[HEIGHT, WIDTH], counts=[5, 1, 42])),
    ]
    source, out = make_set(tmp_path / 'pets', objects), tmp_path / 'out'
    assert semantic.main([str(source), str(out)]) == 0
    # Classes in the order of their numbers, after the background.
    classes = (out / 'annotations' / 'classes.txt').read_text()
    assert classes == 'background\ncat\ndog\n'
    expected = [
        '22111100',
        '22111100',
        '22220000',
        '00000000',
        '00000011',
        '20000011',
    ]
    assert [''.join(map(str, row)) for row in labels_of(out, 'a')] == expected
    assert not labels_of(out, 'b').any()
    assert (out / 'annotations' / 'train.txt').read_text() == 'a\n'
    assert (out / 'annotations' / 'val.txt').read_text() == 'b\n'
    for name in ('a.png', 'b.png'):
        assert (out / 'images' / name).read_bytes() == (source / 'images' / name).read_bytes()


def test_crowds_count_neither_way(semantic: ModuleType, tmp_path: Path) -> None:
    source = make_set(tmp_path / 'pets', [dict(category_id=3, segmentation=box(0, 0, 2, 2))])
    path = source / 'annotations' / 'train.json'
    path.write_text(path.read_text().replace('"iscrowd": 0', '"iscrowd": 1'))
    assert semantic.main([str(source), str(tmp_path / 'out')]) == 0
    assert sorted(np.unique(labels_of(tmp_path / 'out', 'a'))) == [0, 255]


def test_the_same_set_gives_the_same_bytes(semantic: ModuleType, tmp_path: Path) -> None:
    make_shapes(tmp_path / 'shapes', train=2, val=1, size=(64, 64))
    for out in ('one', 'two'):
        assert semantic.main([str(tmp_path / 'shapes'), str(tmp_path / out)]) == 0
    one, two = (contents(tmp_path / out) for out in ('one', 'two'))
    assert one == two
    assert len(one) == 3 + 2 * 3


@pytest.mark.skipif(not NUCLEI.is_dir(), reason='data/nuclei is absent')
def test_nuclei(semantic: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert semantic.main([str(NUCLEI), str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        'train: 288 images, 80.4% background, 19.6% nucleus',
        'val: 96 images, 76.2% background, 23.8% nucleus',
    ]
    # Nuclei do not overlap, so their pixels are as many as their areas say.
    for split in ('train', 'val'):
        content = json.loads((NUCLEI / 'annotations' / f'{split}.json').read_bytes())
        names = (tmp_path / 'annotations' / f'{split}.txt').read_text().split()
        painted = sum(int(np.count_nonzero(labels_of(tmp_path, name))) for name in names)
        assert painted == sum(each['area'] for each in content['annotations'])


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        (lambda root: (root / 'annotations/val.json').unlink(), 'val.json is missing; the source'),
        (lambda root: (root / 'annotations/val.json').write_text('{'), 'val.json is not JSON'),
        (lambda root: (root / 'annotations/val.json').write_text('{}'), 'is not a COCO file'),
        (
            lambda root: (root / 'annotations/val.json').write_text(
                json.dumps(dict(images=[], annotations=[], categories=[]))
            ),
            'got 0 images of 0',
        ),
        (
            lambda root: replace(root / 'annotations/val.json', '"cat"', '"bat"'),
            'train.json and val.json have other categories',
        ),
        (lambda root: (root / 'images/b.png').unlink(), 'b.png is missing, but the annotations'),
        (
            lambda root: replace(root / 'annotations/val.json', 'b.png', 'a.png'),
            'a.png is in the annotations twice',
        ),
        (
            lambda root: replace(root / 'annotations/val.json', 'b.png', 'b.jpg'),
            'images end in .jpg and .png',
        ),
        (
            lambda root: replace(root / 'annotations/train.json', '[[0, 0,', '[["x", 0,'),
            'an object of a.png has no mask',
        ),
        (
            lambda root: replace(root / 'annotations/train.json', '"height": 6', '"height": 2'),
            'has no mask',
        ),
    ],
)
def test_a_set_that_cannot_be_used_is_refused(
    semantic: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Any,
    said: str,
) -> None:
    run_lengths = dict(size=[HEIGHT, WIDTH], counts=[47, 1])
    objects = [
        dict(category_id=3, segmentation=box(0, 0, 2, 2)),
        dict(category_id=3, segmentation=run_lengths),
    ]
    source = make_set(tmp_path / 'pets', objects)
    change(source)
    assert said in error_line(semantic, [str(source), str(tmp_path / 'out')], capsys)
    assert not (tmp_path / 'out').exists()


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
