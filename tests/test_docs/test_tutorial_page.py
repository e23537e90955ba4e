"""The configs of docs/en/tutorial.md are read, have targets, and search."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from converters import load_script
from mmengine.config import Config
from mmengine.hub import get_config
from page_blocks import blocks, commands
from repository import ROOT

from mmlth.data import make_shapes
from mmlth_cli.main import main

PAGE = ROOT / 'docs/en/tutorial.md'
PYTHON = [block for language, block in blocks(PAGE.read_text()) if language == 'python']
SHELL = [
    words
    for language, block in blocks(PAGE.read_text())
    if language == 'sh'
    for words in commands(block)
]
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
    'masks.py': [
        'train_dataloader.dataset.pipeline.2.scale=(64,64)',
        'val_dataloader.dataset.pipeline.1.scale=(64,64)',
        'model.backbone.depth=18',
        'model.backbone.base_channels=8',
        'model.backbone.stem_channels=8',
        'model.neck.in_channels=[8,16,32,64]',
        'model.roi_head.bbox_head.fc_out_channels=32',
        'model.roi_head.mask_head.num_convs=1',
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


@pytest.mark.parametrize('name', ['boxes.py', 'masks.py'])
def test_the_warm_up_is_as_long_as_the_page_says(folder, name):
    """Of detectors; for keypoints a step takes objects, which pictures have several of."""
    config = Config.fromfile(name)
    pictures = int(re.search(r"make_shapes\('my_data', train=(\d+)", PAGE.read_text())[1])
    warm_up, cosine = config.param_scheduler
    assert warm_up.end == cosine.begin * pictures / config.train_dataloader.batch_size
    assert config.train_cfg.max_epochs == cosine.end == cosine.begin + cosine.T_max


def test_masks_learn_at_the_rate_of_their_batch(folder):
    config = Config.fromfile('masks.py')
    zoo = get_config('mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py')
    per_image = zoo.optim_wrapper.optimizer.lr / zoo.auto_scale_lr.base_batch_size
    batch = config.train_dataloader.batch_size
    assert config.optim_wrapper.optimizer.lr == pytest.approx(batch * per_image)


@pytest.mark.parametrize('name', ['boxes.py', 'keypoints.py'])
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


def test_a_search_for_masks(folder):
    """Of one round, since this model takes longest."""
    few = ['train_dataloader.dataset.indices=4', 'val_dataloader.dataset.indices=2']
    small = [*SMALL, *SMALLER['masks.py'], *few]
    search = ['train', 'masks.py', '--work-dir', 'work', '--cfg-options', *small]
    assert main([*search, '--sparsities', '0.5']) == 0
    state = json.loads(Path('work/search.json').read_text())
    assert [round(each['sparsity'], 2) for each in state['rounds']] == [0, 0.5]
    assert {'coco/bbox_mAP', 'coco/segm_mAP'} <= set(state['rounds'][1]['metrics'])


def test_the_study_goes_on_with_what_the_page_has_begun(folder, monkeypatch):
    """Its searches and branches are the page's own, by their folders and options."""
    (study,) = (words for words in SHELL if words[0] == 'python')
    scripts = ROOT / 'tools/study'
    assert study[1] == f'path/to/mmlth/{scripts.relative_to(ROOT)}/study.py'
    monkeypatch.syspath_prepend(scripts)
    script = load_script(scripts / 'study.py')
    monkeypatch.setattr('sys.argv', study[1:])
    begun = []
    monkeypatch.setattr(script, 'run', lambda tasks, *_: begun.extend(tasks) or True)
    assert script.main() == 0

    folders = [str(task.work_dir) for task in begun]
    by_hand = [words for words in SHELL if words[:2] in (['mmlth', 'train'], ['mmlth', 'branch'])]
    for words in by_hand:
        branch = '/branches/'.join(words[2:4])
        assert dict(pairwise(words)).get('--work-dir', branch) in folders
    listed = ','.join(map(str, Config.fromfile('boxes.py').lottery.sparsities))
    for task in begun:
        if task.command[2] == 'train':
            assert task.command[task.command.index('--sparsities') + 1] == listed
        elif '--tickets' in task.command:
            assert task.command[task.command.index('--tickets') + 1] == '3'
