"""The BCCD converter: on the public source it returns our files; on bad input, one clear line."""

import json
import runpy
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import pytest
from converters import load_converter, refusal
from repository import ROOT, TESTS

SCRIPT = ROOT / 'tools' / 'dataset_converters' / 'bccd.py'
DATA = ROOT / 'data' / 'bccd'
SPLITS = ('train', 'val', 'test')

# The public source has these two besides what our files have: (image, place among the objects,
# corners).
SLIPS = {
    'BloodImage_00338': (12, (504, 337, 504, 337)),
    'BloodImage_00343': (3, (181, 329, 181, 329)),
}


@pytest.fixture(scope='module')
def bccd() -> ModuleType:
    return load_converter('bccd')


def voc(
    objects: list[tuple[str, tuple[object, ...]]], width: object = 640, height: object = 480
) -> str:
    """A Pascal VOC annotation with the fields, and in the order, of the public source."""
    root = ElementTree.Element('annotation')
    size = ElementTree.SubElement(root, 'size')
    for tag, value in [('width', width), ('height', height), ('depth', 3)]:
        ElementTree.SubElement(size, tag).text = str(value)
    for name, corners in objects:
        item = ElementTree.SubElement(root, 'object')
        ElementTree.SubElement(item, 'name').text = name
        box = ElementTree.SubElement(item, 'bndbox')
        for tag, value in zip(('xmin', 'ymin', 'xmax', 'ymax'), corners):
            ElementTree.SubElement(box, tag).text = str(value)
    return ElementTree.tostring(root, encoding='unicode')


def make_source(root: Path, xml: str) -> Path:
    """A source with one image, `a`, in `train` and none elsewhere."""
    for folder in ('Annotations', 'ImageSets/Main', 'JPEGImages'):
        (root / 'BCCD' / folder).mkdir(parents=True)
    for split in SPLITS:
        (root / f'BCCD/ImageSets/Main/{split}.txt').write_text('a\n' if split == 'train' else '')
    (root / 'BCCD/Annotations/a.xml').write_text(xml)
    (root / 'BCCD/JPEGImages/a.jpg').write_bytes(b'a picture')
    return root


@pytest.mark.parametrize('data', [DATA, TESTS / 'data/bccd'], ids=['all', 'part'])
def test_the_public_source_gives_our_files_byte_for_byte(
    bccd: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], data: Path
) -> None:
    if not data.is_dir():
        pytest.skip(f'{data} is absent')
    source, out = tmp_path / 'source', tmp_path / 'out'
    (source / 'BCCD/Annotations').mkdir(parents=True)
    (source / 'BCCD/ImageSets/Main').mkdir(parents=True)
    (source / 'BCCD/JPEGImages').symlink_to(data / 'images', target_is_directory=True)
    for split in SPLITS:
        (source / f'BCCD/ImageSets/Main/{split}.txt').touch()
        if not (data / f'annotations/{split}.json').exists():
            continue
        ours = json.loads((data / f'annotations/{split}.json').read_text())
        names = {c['id']: c['name'] for c in ours['categories']}
        stems = [Path(image['file_name']).stem for image in ours['images']]
        lines = ''.join(f'{stem}\n' for stem in stems)
        (source / f'BCCD/ImageSets/Main/{split}.txt').write_text(lines)
        for image, stem in zip(ours['images'], stems):
            objects = []
            for a in ours['annotations']:
                if a['image_id'] == image['id']:
                    x, y, w, h = a['bbox']
                    objects.append((names[a['category_id']], (x, y, x + w, y + h)))
            if stem in SLIPS:
                place, corners = SLIPS[stem]
                objects.insert(place, ('RBC', corners))
            xml = voc(objects, image['width'], image['height'])
            (source / f'BCCD/Annotations/{stem}.xml').write_text(xml)

    assert bccd.main([str(source), str(out)]) == 0

    for path in (data / 'annotations').iterdir():
        assert (out / 'annotations' / path.name).read_bytes() == path.read_bytes(), path.name
    pictures = {p.name: p.read_bytes() for p in (out / 'images').iterdir()}
    assert pictures == {p.name: p.read_bytes() for p in (data / 'images').iterdir()}
    if data != DATA:
        return
    assert capsys.readouterr().out.splitlines() == [
        'train: 205 images; 2381 RBC, 214 WBC, 209 Platelets; without area, dropped: 1',
        'val: 87 images; 967 RBC, 87 WBC, 83 Platelets; without area, dropped: 1',
        'test: 72 images; 805 RBC, 71 WBC, 69 Platelets; without area, dropped: 0',
    ]


@pytest.mark.parametrize(
    ('corners', 'box'),
    [
        ((10, 20, 30, 50), (10, 20, 20, 30)),  # as it is: no pixel added, none taken off
        ((0, 0, 100, 80), (0, 0, 100, 80)),  # the whole image
        ((-5, -7, 30, 50), (0, 0, 30, 50)),
        ((90, 70, 101, 99), (90, 70, 10, 10)),
        ((-5, -5, 500, 500), (0, 0, 100, 80)),
        ((30, 20, 30, 50), None),  # no width
        ((10, 50, 30, 50), None),  # no height
        ((30, 50, 10, 20), None),  # corners the wrong way round
        ((100, 20, 120, 50), None),  # beside the image
        ((10, -30, 30, 0), None),  # above it
    ],
)
def test_a_box_is_clipped_to_the_image(
    bccd: ModuleType, corners: tuple[int, ...], box: tuple[int, ...] | None
) -> None:
    assert bccd.clip(corners, width=100, height=80) == box


def test_a_dropped_box_leaves_no_gap_in_the_numbers(bccd: ModuleType, tmp_path: Path) -> None:
    objects = [
        ('WBC', (1, 2, 4, 6)),
        ('RBC', (9, 9, 9, 9)),
        ('Platelets', (600, 400, 700, 500)),
    ]
    content, dropped = bccd.read_split(make_source(tmp_path, voc(objects)), 'train')
    assert dropped == 1
    assert content['images'] == [dict(id=0, file_name='a.jpg', width=640, height=480)]
    assert content['annotations'] == [
        dict(image_id=0, category_id=2, bbox=[1, 2, 3, 4], area=12, iscrowd=0, id=1),
        dict(image_id=0, category_id=3, bbox=[600, 400, 40, 80], area=3200, iscrowd=0, id=2),
    ]


@pytest.mark.parametrize(
    ('xml', 'message'),
    [
        (voc([('rbc', (1, 1, 2, 2))]), "unknown class 'rbc'; expected RBC, WBC, Platelets"),
        (voc([('RBC', ('x', 1, 2, 2))]), "<object>/bndbox/xmin must be an integer, got 'x'"),
        (voc([('RBC', (1, 1, 2))]), '<object>/bndbox/ymax must be an integer, got None'),
        (voc([], width='?'), "<annotation>/size/width must be an integer, got '?'"),
        (voc([], height=0), 'the image must have an area, got 640 x 0 pixels'),
        ('<annotation>', 'is not XML: no element found'),
        ('', 'is not XML: no element found'),
    ],
)
def test_a_bad_annotation_is_named(
    bccd: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    xml: str,
    message: str,
) -> None:
    line = refusal(bccd, make_source(tmp_path, xml), capsys)
    assert str(tmp_path / 'BCCD/Annotations/a.xml') in line
    assert message in line


@pytest.mark.parametrize(
    'name', ['JPEGImages/a.jpg', 'Annotations/a.xml', 'ImageSets/Main/test.txt']
)
def test_a_missing_file_is_named(
    bccd: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    source = make_source(tmp_path, voc([]))
    (source / 'BCCD' / name).unlink()
    line = refusal(bccd, source, capsys)
    assert f'{source / "BCCD" / name} is missing' in line
    assert 'github.com/Shenggan/BCCD_Dataset' in line


def test_the_command_exits_1_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, 'argv', [str(SCRIPT), str(tmp_path), str(tmp_path / 'out')])
    with pytest.raises(SystemExit) as exit_:
        runpy.run_path(str(SCRIPT), run_name='__main__')
    assert exit_.value.code == 1
    out, line = capsys.readouterr()
    assert out == ''
    assert line.startswith('bccd: ')
    assert line.count('\n') == 1


def test_help_names_the_public_source(bccd: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        bccd.main(['--help'])
    assert exit_.value.code == 0
    assert 'https://github.com/Shenggan/BCCD_Dataset' in capsys.readouterr().out
