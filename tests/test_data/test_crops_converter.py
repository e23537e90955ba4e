"""The crops converter: what it cuts out, for which split; on bad input, one clear line."""

import json
from collections import Counter
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from converters import error_line, load_converter
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from repository import ROOT

from mmlth.engine.training.round_config import Origin, round_config

SETS = [ROOT / 'data' / name for name in ('bccd', 'nuclei', 'mouse', 'coco128')]


@pytest.fixture(scope='module')
def crops() -> ModuleType:
    return load_converter('crops')


def make_set(root: Path, files: dict[str, dict[str, list[tuple[str, list[float]]]]]) -> Path:
    """A set: for each annotation file, for each image, class and box of its objects."""
    (root / 'annotations').mkdir(parents=True)
    (root / 'images').mkdir()
    labels = sorted({label for c in files.values() for o in c.values() for label, _ in o})
    for stem, images in files.items():
        names = list(images)
        annotations = [
            dict(image_id=names.index(name), category_id=labels.index(label), bbox=box, iscrowd=0)
            for name, objects in images.items()
            for label, box in objects
        ]
        content = dict(
            images=[dict(id=i, file_name=name) for i, name in enumerate(names)],
            annotations=annotations,
            categories=[dict(id=i, name=label) for i, label in enumerate(labels)],
        )
        (root / 'annotations' / f'{stem}.json').write_text(json.dumps(content))
        for name in names:
            cv2.imwrite(str(root / 'images' / name), np.full((60, 80, 3), 90, np.uint8))
    return root


def two_classes(count: int = 3) -> list[tuple[str, list[float]]]:
    return [('cat', [10, 10, 20, 20]), ('dog', [40, 20, 20, 30])] * count


def split_set(root: Path) -> Path:
    return make_set(root, {'train': {'a.png': two_classes()}, 'val': {'b.png': two_classes(1)}})


def read_list(out: Path, split: str) -> list[tuple[str, int]]:
    lines = (out / 'annotations' / f'{split}.txt').read_text().splitlines()
    return [(name, int(label)) for name, label in (line.rsplit(' ', 1) for line in lines)]


def test_lists_name_each_crop_and_its_class(crops: ModuleType, tmp_path: Path) -> None:
    source, out = split_set(tmp_path / 'pets'), tmp_path / 'out'
    assert crops.main([str(source), str(out), '--least', '3', '--size', '16']) == 0
    classes = (out / 'annotations' / 'classes.txt').read_text().splitlines()
    assert classes == ['pets/cat', 'pets/dog']
    assert read_list(out, 'train') == [
        *((f'pets_a_{i}.jpg', 0) for i in (0, 2, 4)),
        *((f'pets_a_{i}.jpg', 1) for i in (1, 3, 5)),
    ]
    assert read_list(out, 'val') == [('pets_b_0.jpg', 0), ('pets_b_1.jpg', 1)]
    assert len(list((out / 'images').iterdir())) == 8
    assert cv2.imread(str(out / 'images' / 'pets_b_1.jpg')).shape == (16, 16, 3)


def test_the_same_sets_give_the_same_bytes(crops: ModuleType, tmp_path: Path) -> None:
    source = split_set(tmp_path / 'pets')
    for out in ('one', 'two'):
        assert crops.main([str(source), str(tmp_path / out), '--least', '1']) == 0
    one, two = (sorted((tmp_path / out).rglob('*.*')) for out in ('one', 'two'))
    assert [path.name for path in one] == [path.name for path in two]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two))


def test_a_set_without_splits_gives_every_fourth_image_to_val(
    crops: ModuleType, tmp_path: Path
) -> None:
    images = {f'{i}.png': two_classes(1) for i in (5, 1, 3, 7, 2, 0, 6, 4)}
    source, out = make_set(tmp_path / 'pets', {'instances': images}), tmp_path / 'out'
    assert crops.main([str(source), str(out), '--least', '1']) == 0
    assert {name for name, _ in read_list(out, 'val')} == {
        f'pets_{image}_{i}.jpg' for image in (3, 7) for i in (0, 1)
    }
    assert len(read_list(out, 'train')) == 12


def test_many_objects_are_thinned_out_evenly_and_rare_classes_left_out(
    crops: ModuleType, tmp_path: Path
) -> None:
    images = {f'{i}.png': two_classes(1) for i in range(10)}
    images['0.png'] = [*two_classes(1), ('rat', [10, 10, 20, 20])]
    source = make_set(tmp_path / 'pets', {'train': images, 'val': {'v.png': two_classes(1)}})
    out = tmp_path / 'out'
    assert crops.main([str(source), str(out), '--least', '2', '--most', '5']) == 0
    cats = [name for name, label in read_list(out, 'train') if label == 0]
    assert cats == [f'pets_{i}_0.jpg' for i in (0, 2, 4, 6, 8)]
    assert (out / 'annotations' / 'classes.txt').read_text() == 'pets/cat\npets/dog\n'


def test_small_boxes_and_crowds_are_left_out(crops: ModuleType, tmp_path: Path) -> None:
    objects = [*two_classes(1), ('cat', [0, 0, 11.9, 40]), ('dog', [0, 0, 12, 12])]
    source = make_set(
        tmp_path / 'pets', {'train': {'a.png': objects}, 'val': {'b.png': two_classes(1)}}
    )
    path = source / 'annotations' / 'train.json'
    content = json.loads(path.read_text())
    content['annotations'].append({**content['annotations'][0], 'iscrowd': 1})
    path.write_text(json.dumps(content))
    assert [(c.label, c.box) for c in crops.read_set(source, 'train')] == [
        ('pets/cat', (10, 10, 20, 20)),
        ('pets/dog', (40, 20, 20, 30)),
        ('pets/dog', (0, 0, 12, 12)),
    ]


def test_the_square_around_a_box_with_the_edge_repeated(crops: ModuleType) -> None:
    picture = np.arange(60 * 80, dtype=np.uint16).reshape(60, 80) % 251
    picture = np.repeat(picture.astype(np.uint8)[:, :, None], 3, 2)
    # 1.2 times the longer side, 20, is 24: no scaling, so the very pixels around (40, 30).
    result = crops.cut(picture, (30, 25, 20, 10), 24)
    assert np.array_equal(result, picture[18:42, 28:52])
    corner = crops.cut(picture, (0, 0, 20, 20), 24)
    assert np.array_equal(corner[2:, 2:], picture[:22, :22])
    assert np.array_equal(corner[:, 0], corner[:, 2])
    assert np.array_equal(corner[0], corner[2])
    assert crops.cut(picture, (100, 0, 20, 20), 24) is None


def test_a_picture_is_halved_by_means(crops: ModuleType) -> None:
    picture = np.tile(np.array([[0, 100], [100, 200]], np.uint8)[:, :, None], (30, 40, 3))
    assert (crops.cut(picture, (20, 20, 20, 20), 12) == 100).all()


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'is not JSON'),
        ('[]', 'is not a COCO file'),
        ('{"images": [], "annotations": []}', "is not a COCO file: KeyError 'categories'"),
        (
            '{"images": [{"id": 0, "file_name": "a.png"}], "categories": [{"id": 0, "name": "x"}], '
            '"annotations": [{"image_id": 0, "category_id": 0, "bbox": [0, 0, 1]}]}',
            'is not a COCO file: ValueError',
        ),
        (
            '{"images": [{"id": 0, "file_name": "a.png"}], "categories": [{"id": 0, "name": "x"}], '
            '"annotations": [{"image_id": 0, "category_id": 0, "bbox": [0, 0, 1, NaN]}]}',
            'a box is not finite',
        ),
    ],
)
def test_what_is_no_coco_file_is_named(
    crops: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    message: str,
) -> None:
    source = split_set(tmp_path / 'pets')
    (source / 'annotations' / 'train.json').write_text(text)
    line = error_line(crops, [str(source), str(tmp_path / 'out')], capsys)
    assert 'train.json' in line
    assert message in line
    assert not (tmp_path / 'out').exists()


def test_an_image_of_both_splits_is_refused(
    crops: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = {'a.png': two_classes()}
    source = make_set(tmp_path / 'pets', {'train': images, 'val': images})
    line = error_line(crops, [str(source), str(tmp_path / 'out')], capsys)
    assert 'a.png is an image of both train and val' in line


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--least', '4'], 'only 0 classes have 4 or more objects'),
        (['--most', '0'], 'are at least 1'),
    ],
)
def test_what_leaves_nothing_is_refused(
    crops: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    source = split_set(tmp_path / 'pets')
    line = error_line(crops, [str(source), str(tmp_path / 'out'), *options], capsys)
    assert message in line


def test_missing_and_broken_files_are_named(
    crops: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = split_set(tmp_path / 'pets'), tmp_path / 'out'
    arguments = [str(source), str(out), '--least', '1']
    assert 'neither train.json' in error_line(crops, [str(tmp_path), str(out)], capsys)
    twice = make_set(
        tmp_path / 'x' / 'pets', {'train': {'a.jpg': two_classes()}, 'val': {'b.jpg': []}}
    )
    line = error_line(crops, [str(source), str(twice), str(out), '--least', '1'], capsys)
    assert '2 crops would be pets_a_' in line
    (source / 'images' / 'b.png').write_bytes(b'')
    assert 'b.png is no picture' in error_line(crops, arguments, capsys)
    (source / 'images' / 'b.png').unlink()
    assert 'b.png is missing' in error_line(crops, arguments, capsys)
    assert not (out / 'annotations').exists()  # lists name only what is there


@pytest.fixture(scope='module')
def ours(crops: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crops of our sets."""
    if missing := [path.name for path in SETS if not path.is_dir()]:
        pytest.skip(f'data/{missing[0]} is absent')
    out = tmp_path_factory.mktemp('ours') / 'crops'
    assert crops.main([*map(str, SETS), str(out)]) == 0
    return out


@pytest.mark.parametrize(
    'name', ['resnet/resnet18_crops_imp.py', 'mocov2/mocov2_resnet18_crops_imp.py']
)
def test_the_configs_read_the_crops_of_our_sets(ours: Path, name: str, tmp_path: Path) -> None:
    pytest.importorskip('mmpretrain', reason='mmpretrain is not installed')
    config = Config.fromfile(str(ROOT / 'configs' / 'lth' / name))
    assert config.lottery.target_sparsity >= 0.8
    runner = Runner.from_cfg(round_config(config, tmp_path, 0, Origin()))
    config = runner.cfg
    init_default_scope('mmpretrain')
    torch.manual_seed(0)
    for split, count in (('train', 900), ('val', 559)):
        loader = config.get(f'{split}_dataloader')
        if loader is None:
            continue
        loader.dataset.data_root = str(ours)
        batches = runner.build_dataloader(loader, seed=0)
        data = batches.dataset
        assert len(data) == count
        assert list(data.metainfo['classes']) == (
            (ours / 'annotations' / 'classes.txt').read_text().splitlines()
        )
        labels = Counter(data.get_data_info(i)['gt_label'] for i in range(count))
        assert sorted(labels) == list(range(8))
        inputs = data[0]['inputs']
        views = inputs if isinstance(inputs, list) else [inputs]
        assert all(view.shape == (3, 64, 64) for view in views)
        if split == 'train':
            losses = runner.model.train_step(
                next(iter(batches)), runner.build_optim_wrapper(config.optim_wrapper)
            )
            assert torch.isfinite(losses['loss'])


def test_no_image_of_our_sets_gives_crops_to_both_splits(ours: Path) -> None:
    images = {
        split: {name.rpartition('_')[0] for name, _ in read_list(ours, split)}
        for split in ('train', 'val')
    }
    assert images['train']
    assert images['val']
    assert not images['train'] & images['val']
