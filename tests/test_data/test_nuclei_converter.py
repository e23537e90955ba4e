"""The nuclei converter: from polygons it makes our files; on bad input, one clear line."""

import graphlib
import itertools
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from converters import assert_same_set, load_converter, refusal
from pycocotools import mask as rle
from repository import ROOT

DATA = ROOT / 'data' / 'nuclei'
TABLE = Path('coco_dataset', 'cell_instance_segmentation.json')
SQUARE = [[100.0, 100.0, 110.0, 100.0, 110.0, 110.0, 100.0, 110.0]]


@pytest.fixture(scope='module')
def nuclei() -> ModuleType:
    return load_converter('nuclei')


def make_source(
    root: Path, slides: dict[str, list[Any]], pictures: dict[str, np.ndarray] | None = None
) -> Path:
    """A source with the layout of the public one, from the polygons of each slide's objects."""
    (root / 'coco_dataset' / 'train').mkdir(parents=True)
    content = dict(
        images=[
            dict(id=i, file_name=name, width=1000, height=1000) for i, name in enumerate(slides, 1)
        ],
        annotations=[
            dict(image_id=i, category_id=1, segmentation=polygons)
            for i, objects in enumerate(slides.values(), 1)
            for polygons in objects
        ],
    )
    (root / TABLE).write_text(json.dumps(content))
    for name in slides:
        picture = pictures[name] if pictures else np.full((1000, 1000, 3), 200, np.uint8)
        path = str(root / 'coco_dataset' / 'train' / name)
        cv2.imwrite(path, picture, [cv2.IMWRITE_PNG_COMPRESSION, 0])
    return root


def corner(file_name: str) -> tuple[int, int]:
    """Top and left of a tile within its slide."""
    _, y, x = Path(file_name).stem.split('_')
    return int(y), int(x)


def put_together(tiles: dict[str, list[np.ndarray]]) -> list[list[list[float]]]:
    """The objects of a slide, in an order that suits all tiles, as polygons that paint them again.

    Args:
        tiles: For each tile, by file name, the masks of its objects.
    """
    owner = np.full((1000, 1000), -1)
    pieces: list[tuple[int, int, np.ndarray]] = []
    same: list[int] = []  # a union-find forest over the pieces

    def root(i: int) -> int:
        while same[i] != i:
            i = same[i]
        return i

    chains = []
    for file_name, masks in tiles.items():
        y, x = corner(file_name)
        chain = []
        for mask in masks:
            i = len(pieces)
            pieces.append((y, x, mask))
            same.append(i)
            chain.append(i)
            for j in np.unique(owner[y : y + 256, x : x + 256][mask]):
                if j >= 0:
                    same[root(int(j))] = root(i)
            owner[y : y + 256, x : x + 256][mask] = i
        chains.append(chain)
    before: dict[int, set[int]] = {root(i): set() for i in range(len(pieces))}
    for chain in chains:
        for i, j in itertools.pairwise(chain):
            before[root(j)].add(root(i))
    pixels: dict[int, list[np.ndarray]] = {i: [] for i in before}
    for i, (y, x, mask) in enumerate(pieces):
        rows, columns = np.nonzero(mask)
        pixels[root(i)].append((y + rows) * 1000 + x + columns)
    order = graphlib.TopologicalSorter(before).static_order()
    return [as_rectangles(np.unique(np.concatenate(pixels[i]))) for i in order]


def as_rectangles(pixels: np.ndarray) -> list[list[float]]:
    """Polygons that cover just these pixels: a rectangle for each run in a row.

    Args:
        pixels: row * 1000 + column of each, in ascending order.
    """
    breaks = np.flatnonzero((np.diff(pixels) > 1) | (np.diff(pixels // 1000) > 0)) + 1
    polygons = []
    for run in np.split(pixels, breaks):
        top, left = divmod(float(run[0]), 1000)
        right, bottom = left + len(run), top + 1
        polygons.append([left, top, right, top, right, bottom, left, bottom])
    return polygons


@pytest.mark.one_stack
@pytest.mark.skipif(not DATA.is_dir(), reason='data/nuclei is absent')
def test_polygons_of_our_masks_give_our_annotations_byte_for_byte(
    nuclei: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slides: dict[str, list[Any]] = {}
    pictures: dict[str, np.ndarray] = {}
    for split in ('train', 'val'):
        ours = json.loads((DATA / f'annotations/{split}.json').read_text())
        masks: dict[int, list[np.ndarray]] = {image['id']: [] for image in ours['images']}
        for item in ours['annotations']:
            masks[item['image_id']].append(rle.decode(item['segmentation']).astype(bool))
        tiles: dict[str, dict[str, list[np.ndarray]]] = {}
        for image in ours['images']:
            slide = f'{image["file_name"].split("_")[0]}.png'
            tiles.setdefault(slide, {})[image['file_name']] = masks[image['id']]
            y, x = corner(image['file_name'])
            picture = pictures.setdefault(slide, np.zeros((1000, 1000, 3), np.uint8))
            path = str(DATA / 'images' / image['file_name'])
            picture[y : y + 256, x : x + 256] = cv2.imread(path)
        for slide, members in tiles.items():
            slides[slide] = put_together(members)
    source, out = make_source(tmp_path / 'source', slides, pictures), tmp_path / 'out'

    assert nuclei.main([str(source), str(out)]) == 0

    assert_same_set(out, DATA, difference=3)
    assert capsys.readouterr().out.splitlines() == [
        'train: 288 tiles, 8404 nuclei',
        'val: 96 tiles, 8200 nuclei',
    ]


# Three of slide 0006's polygons in the public source, with the place of their object in our tile.
PUBLIC = [
    (
        ('0006_0000_0000.jpg', 0),
        [35.0, 134.5, 28.5, 124.0, 29.5, 116.0, 34.0, 105.5, 47.0, 103.5, 54.5, 108.0, 55.5, 122.0],
    ),
    (
        ('0006_0496_0000.jpg', 0),
        [65.0, 559.5, 47.0, 553.5, 37.5, 536.0, 43.0, 533.5, 65.0, 547.5, 68.5, 556.0],
    ),
    (
        ('0006_0248_0000.jpg', 1),
        [181.0, 288.5, 169.0, 283.5, 160.5, 273.0, 158.5, 262.0, 163.0, 253.5, 175.5, 259.0],
    ),
]


@pytest.mark.skipif(not DATA.is_dir(), reason='data/nuclei is absent')
@pytest.mark.parametrize(('place', 'polygon'), PUBLIC)
def test_a_polygon_of_the_public_source_gives_our_mask(
    nuclei: ModuleType, place: tuple[str, int], polygon: list[float]
) -> None:
    file_name, index = place
    ours = json.loads((DATA / 'annotations/train.json').read_text())
    image_id = next(i['id'] for i in ours['images'] if i['file_name'] == file_name)
    items = [a for a in ours['annotations'] if a['image_id'] == image_id]
    y, x = corner(file_name)
    labels = nuclei.paint([[[*polygon, *polygon[:2]]]], Path('a.json'))
    tile = labels[y : y + 256, x : x + 256]
    assert np.array_equal(tile, rle.decode(items[index]['segmentation']))


def test_an_object_is_what_pycocotools_makes_of_it(nuclei: ModuleType) -> None:
    random = np.random.default_rng(0)
    centres = [(-10, 500), (0, 0), (500, 1005), (999.5, 999.5), (300, 300), (1100, 1100)] * 5
    for centre in centres:
        polygons = [
            (np.round(random.normal(centre, 12, (count, 2)) * 2) / 2).ravel().tolist()
            for count in (3, 4, 9)
        ]
        whole = rle.decode(rle.merge(rle.frPyObjects(polygons, 1000, 1000)))
        assert np.array_equal(nuclei.paint([polygons], Path()), whole), polygons


def test_later_objects_cover_earlier_ones_and_small_rests_are_dropped(nuclei: ModuleType) -> None:
    def square(left: float, right: float) -> list[list[float]]:
        return [[left, 10, right, 10, right, 20, left, 20]]

    labels = nuclei.paint([square(10, 20), square(12, 40), square(50, 52), square(60, 69)], Path())
    masks = list(nuclei.cut(labels[:256, :256]))
    # Of the first, 2 columns of 10 pixels are left, which is just enough; so it is for the third.
    assert [int(mask.sum()) for mask in masks] == [20, 280, 20, 90]
    assert [int(mask.sum()) for mask in nuclei.cut(labels[:, 51:307])] == [90]


def test_the_first_18_slides_by_name_are_for_training(nuclei: ModuleType, tmp_path: Path) -> None:
    names = [f'{i:04d}.png' for i in range(20, 0, -1)]
    source = make_source(tmp_path / 'source', {name: [SQUARE] for name in names})
    nuclei.convert(source, tmp_path / 'out')
    splits = {
        split: json.loads((tmp_path / f'out/annotations/{split}.json').read_text())
        for split in ('train', 'val')
    }
    files = {split: [i['file_name'] for i in c['images']] for split, c in splits.items()}
    assert files['val'][:3] == ['0019_0000_0000.jpg', '0019_0000_0248.jpg', '0019_0000_0496.jpg']
    assert (len(files['train']), len(files['val'])) == (18 * 16, 2 * 16)
    counts = rle.encode(np.asfortranarray(np.pad(np.ones((10, 10), np.uint8), [(100, 146)] * 2)))
    assert splits['val']['annotations'][1] == dict(
        image_id=16,
        category_id=1,
        bbox=[100.0, 100.0, 10.0, 10.0],
        area=100.0,
        iscrowd=0,
        segmentation=dict(size=[256, 256], counts=counts['counts'].decode()),
        id=2,
    )


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'is not JSON'),
        ('{', 'is not JSON'),
        ('[]', 'is not a COCO file'),
        ('{"images": []}', "is not a COCO file: KeyError 'annotations'"),
        ('{"images": [], "annotations": []}', 'expected more than 18 slides'),
        ('{"images": [{"id": 1}], "annotations": []}', "KeyError 'file_name'"),
    ],
)
def test_another_table_is_refused(
    nuclei: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    message: str,
) -> None:
    source = make_source(tmp_path, {})
    (source / TABLE).write_text(text)
    line = refusal(nuclei, source, capsys)
    assert str(source / TABLE) in line
    assert message in line


@pytest.mark.parametrize('polygons', [[], 'RLE', [[1, 2]], [[1, 2, 3, 4]], [[1, 2, 3, 4, 5, 'x']]])
def test_what_is_no_polygon_is_named(
    nuclei: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], polygons: Any
) -> None:
    source = make_source(tmp_path, {f'{i:02d}.png': [polygons] for i in range(19)})
    line = refusal(nuclei, source, capsys)
    assert 'not a list of polygons' in line


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        (TABLE, None, 'is missing; SOURCE must be a checkout of https://github.com/YLingT'),
        (Path('coco_dataset/train/03.png'), None, 'is missing; SOURCE must be a checkout'),
        (Path('coco_dataset/train/03.png'), b'', 'expected a picture of 1000x1000 pixels, got no'),
    ],
)
def test_a_missing_or_broken_file_is_named(
    nuclei: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: Path,
    content: bytes | None,
    message: str,
) -> None:
    source = make_source(tmp_path, {f'{i:02d}.png': [SQUARE] for i in range(19)})
    (source / name).unlink()
    if content is not None:
        (source / name).write_bytes(content)
    line = refusal(nuclei, source, capsys)
    assert str(source / name) in line
    assert message in line


def test_a_picture_of_another_size_is_named(
    nuclei: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_source(tmp_path, {f'{i:02d}.png': [SQUARE] for i in range(19)})
    cv2.imwrite(str(source / 'coco_dataset/train/07.png'), np.zeros((20, 30, 3), np.uint8))
    assert 'expected a picture of 1000x1000 pixels, got 30x20' in refusal(nuclei, source, capsys)
