"""The configs of docs/en/tutorial.md are read, have targets, and search."""

import json
import re
from pathlib import Path

import pytest
from page_blocks import blocks
from repository import ROOT

from mmlth.data import make_shapes
from mmlth_cli.main import main

PAGE = ROOT / 'docs/en/tutorial.md'
PYTHON = [block for language, block in blocks(PAGE.read_text()) if language == 'python']
CONFIGS = {found[1]: block for block in PYTHON if (found := re.match(r'# (\w+\.py): ', block))}

SMALL = [
    'train_cfg.max_epochs=2',
    'train_cfg.val_interval=2',
    'train_dataloader.batch_size=4',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'val_dataloader.num_workers=0',
    'val_dataloader.persistent_workers=False',
    'default_hooks.logger.interval=1',
    'model.backbone.init_cfg=None',  # which is downloaded
]
SMALLER = {
    'boxes.py': [
        'train_dataloader.dataset.pipeline.2.scale=(64,64)',
        'train_dataloader.dataset.pipeline.3.crop_size=(64,64)',
        'train_dataloader.dataset.pipeline.6.size=(64,64)',
        'val_dataloader.dataset.pipeline.1.scale=(64,64)',
        'val_dataloader.dataset.pipeline.2.size=(64,64)',
    ],
    'keypoints.py': [
        'model.backbone.depth=18',
        'model.backbone.base_channels=16',
        'model.backbone.stem_channels=16',
        'model.head.in_channels=128',
        'model.head.deconv_out_channels=(32,32,32)',
    ],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder as readers have it, with few pictures."""
    monkeypatch.chdir(tmp_path)
    make_shapes('my_data', 8, 4)
    for name, config in CONFIGS.items():
        Path(name).write_text(config)
    return tmp_path


def test_the_look_at_the_file(folder, capsys):
    (look,) = (block for block in PYTHON if 'Counter' in block)
    exec(compile(look, str(PAGE), 'exec'), {})  # noqa: S102
    printed = capsys.readouterr().out
    assert "train: 8 images, objects {'" in printed
    assert "['bbox', 'segmentation', 'keypoints']" in printed
    for names in re.findall(r'classes = \((.*?)\)|mirrored = dict\((.*?)\)', PAGE.read_text()):
        for name in re.findall(r"'(\w+)'|(\w+)=", ''.join(names)):
            assert ''.join(name) in printed


@pytest.mark.parametrize('name', ['boxes.py', 'masks.py', 'keypoints.py'])
def test_each_has_targets(folder, name, capsys):
    assert main(['targets', name]) == 0
    share = re.search(r'Prunable weights: ([\d.]+)%', capsys.readouterr().out)
    assert float(share[1]) > 90


def test_there_are_no_other_configs():
    assert list(CONFIGS) == ['boxes.py', 'masks.py', 'keypoints.py']


@pytest.mark.parametrize('name', SMALLER)
def test_a_search_with_a_control(folder, name):
    small = [*SMALL, *SMALLER[name]]
    search = ['train', name, '--work-dir', 'work', '--cfg-options', *small]
    assert main([*search, '--sparsities', '0.5']) == 0
    assert main([*search, '--sparsities', '0.8', '--resume']) == 0  # as the page goes on
    assert main(['branch', 'work', 'random', '--tickets', '2']) == 0
    assert main(['report', 'work', '--no-predictions']) == 0
    rounds = json.loads(Path('work/search.json').read_text())['rounds']
    assert [round(each['sparsity'], 2) for each in rounds] == [0, 0.5, 0.8]
    assert 'random' in Path('work/report/comparison.csv').read_text()
