"""The mouse converter: from the public table it makes our files; on bad input, one clear line."""

import json
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from converters import assert_same_set, load_converter, refusal
from repository import ROOT

DATA = ROOT / 'data' / 'mouse'
PROJECT = Path('examples', 'openfield-Pranav-2018-10-30')
FOLDER = Path('labeled-data', 'm4s1')
TABLE = PROJECT / FOLDER / 'CollectedData_Pranav.csv'
HEADER = [
    'scorer' + ',Pranav' * 8,
    'bodyparts,snout,snout,leftear,leftear,rightear,rightear,tailbase,tailbase',
    'coords' + ',x,y' * 4,
]
ROW = '100,200,110,210,120,190,200,200'


@pytest.fixture(scope='module')
def mouse() -> ModuleType:
    return load_converter('mouse')


def make_source(root: Path, rows: list[str], picture: bytes | None = None) -> Path:
    """A source with the layout of the public one; each row's frame is a grey one by default."""
    (root / PROJECT / FOLDER).mkdir(parents=True)
    (root / TABLE).write_text('\n'.join([*HEADER, *rows]) + '\n')
    if picture is None:
        picture = cv2.imencode('.png', np.full((480, 640, 3), 128, np.uint8))[1].tobytes()
    for row in rows:
        (root / PROJECT / row.split(',')[0]).write_bytes(picture)
    return root


@pytest.mark.skipif(not DATA.is_dir(), reason='data/mouse is absent')
def test_the_public_table_gives_our_annotations_byte_for_byte(
    mouse: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / 'source', tmp_path / 'out'
    (source / PROJECT / FOLDER).mkdir(parents=True)
    rows = []
    for split in ('train', 'val'):
        ours = json.loads((DATA / f'annotations/{split}.json').read_text())
        for image, item in zip(ours['images'], ours['annotations']):
            assert item['image_id'] == image['id']
            name = FOLDER / Path(image['file_name']).with_suffix('.png')
            xy = [repr(v) for i, v in enumerate(item['keypoints']) if i % 3 < 2]
            rows.append(','.join([str(name), *xy]))
            # Pictures without loss, which is what the public source has.
            picture = cv2.imread(str(DATA / 'images' / image['file_name']))
            cv2.imwrite(str(source / PROJECT / name), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    (source / TABLE).write_text('\n'.join([*HEADER, *sorted(rows)]) + '\n')

    assert mouse.main([str(source), str(out)]) == 0

    assert_same_set(out, DATA, difference=1)
    assert capsys.readouterr().out.splitlines() == ['train: 87 frames', 'val: 29 frames']


@pytest.mark.parametrize(
    ('points', 'box'),
    [
        ([(300, 200), (320, 220), (310, 230), (400, 210)], (250, 115, 200, 200)),
        ([(300, 200), (310, 205)], (265, 162.5, 80, 80)),  # no smaller than 40 either way
        ([(10, 20), (60, 20)], (0, 0, 85, 70)),  # clipped to the left and above
        ([(630, 470), (580, 470)], (555, 420, 85, 60)),  # to the right and below
    ],
)
def test_a_box_is_twice_as_large_as_the_keypoints_span(
    mouse: ModuleType, points: list[tuple[float, float]], box: tuple[float, ...]
) -> None:
    assert mouse.box_around(points, width=640, height=480) == box


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        (ROW.replace('120', ''), "could not convert string to float: ''"),
        (ROW.replace('120', 'nan'), 'expected 8 numbers'),
        (ROW + ',5', 'expected 8 numbers'),
        (ROW.rsplit(',', 1)[0], 'expected 8 numbers'),
    ],
)
def test_a_bad_row_is_named(
    mouse: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    row: str,
    message: str,
) -> None:
    source = make_source(tmp_path, [f'{FOLDER}/img0.png,{ROW}', f'{FOLDER}/img1.png,{row}'])
    line = refusal(mouse, source, capsys)
    assert f'{tmp_path / TABLE}, line 5: ' in line
    assert message in line


@pytest.mark.parametrize('name', ['../../img0.png', 'labeled-data/m4s2/img0.png', 'img0.png'])
def test_a_frame_elsewhere_is_refused(
    mouse: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    source = make_source(tmp_path, [])
    (source / TABLE).write_text('\n'.join([*HEADER, f'{name},{ROW}']) + '\n')
    line = refusal(mouse, source, capsys)
    assert f'expected one new frame of {FOLDER}, got {name!r}' in line


@pytest.mark.parametrize('text', ['', 'a,b\n', '\n'.join(HEADER).replace('snout', 'nose')])
def test_another_table_is_refused(
    mouse: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    source = make_source(tmp_path, [])
    (source / TABLE).write_text(text)
    assert 'the columns must be x and y of snout, leftear' in refusal(mouse, source, capsys)


@pytest.mark.parametrize('name', [TABLE, PROJECT / FOLDER / 'img1.png'])
def test_a_missing_file_is_named(
    mouse: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: Path
) -> None:
    rows = [f'{FOLDER}/img{i}.png,{ROW}' for i in range(8)]
    source = make_source(tmp_path, rows)
    (source / name).unlink()
    line = refusal(mouse, source, capsys)
    assert f'{source / name} is missing' in line
    assert 'github.com/DeepLabCut/DeepLabCut' in line


@pytest.mark.parametrize('picture', [b'', b'version https://git-lfs.github.com/spec/v1\n'])
def test_what_is_no_picture_is_named(
    mouse: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], picture: bytes
) -> None:
    source = make_source(tmp_path, [f'{FOLDER}/img0.png,{ROW}'], picture)
    line = refusal(mouse, source, capsys)
    assert f'{tmp_path / PROJECT / FOLDER / "img0.png"} is not a picture' in line
