"""A repository of its own, with mmlth from a wheel: three lines, the stock command, the result."""

import json
import os
import subprocess
import sys
import sysconfig
import venv

import pytest
from kit import record
from packages import copy_source, pip
from stack import mim_name

from mmlth.data import make_shapes

# yolox_tiny brings hooks of its own and starts from no pre-trained weights.
THREE_LINES = """\
_base_ = 'mmdet::yolox/yolox_tiny_8xb8-300e_coco.py'
__import__('mmlth')
lottery = dict(target_sparsity=0.8, rounds=1)
"""

ONE_LINE = """\
_base_ = ['mmdet::yolox/yolox_tiny_8xb8-300e_coco.py', __import__('mmlth').base_config('imp')]
"""

SHORT = [
    'train_cfg.max_epochs=2',
    'train_dataloader.batch_size=2',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    'val_dataloader.num_workers=0',
    'val_dataloader.persistent_workers=False',
    'img_scale=(160,160)',
    'train_dataloader.dataset.pipeline.0.img_scale=(160,160)',
    'train_dataloader.dataset.pipeline.1.border=(-80,-80)',
    'train_dataloader.dataset.pipeline.4.scale=(160,160)',
    'model.data_preprocessor.batch_augments=None',
]

DETECT = """
import mmlth
assert {installed!r} in mmlth.__file__, mmlth.__file__
import numpy as np
import torch
from mmdet.apis import inference_detector, init_detector

path = 'work/tickets/round_01.safetensors'
ticket = mmlth.load_ticket(path)
all_boxes = dict(device='cpu', cfg_options={{'model.test_cfg.score_thr': 0.0}})
loaded = init_detector('config.py', path, **all_boxes)
stock = init_detector('config.py', None, **all_boxes)
stock.load_state_dict(ticket.state_dict())
image = np.random.default_rng(0).integers(0, 255, (160, 160, 3), np.uint8)
one, other = (inference_detector(model, image).pred_instances for model in (loaded, stock))
assert len(one) and torch.equal(one.scores, other.scores) and torch.equal(one.bboxes, other.bboxes)
weights = dict(loaded.named_parameters())
print(sum(int((weights[name] == 0).sum()) for name in ticket.mask))
"""


@pytest.fixture(scope='module')
def environment(tmp_path_factory):
    """A Python with the wheel of mmlth that shares the stack of this one; and its site-packages."""
    folder = tmp_path_factory.mktemp('downstream')
    copy_source(folder / 'source')
    pip('wheel', '--wheel-dir', folder / 'dist', folder / 'source', cwd=folder)
    venv.create(folder / 'env', with_pip=False)
    (packages,) = (folder / 'env').glob('lib/python*/site-packages')
    pip('install', '--target', packages, *(folder / 'dist').glob('*.whl'), cwd=folder)
    # Packages of this environment are found after its own; not what .pth files here would add.
    (packages / 'stack.pth').write_text(sysconfig.get_path('purelib'))
    return folder / 'env/bin/python', packages


@pytest.fixture
def repository(tmp_path):
    """An empty folder but for data/coco, generated and named as if it was COCO."""
    make_shapes(tmp_path / 'shapes', train=4, val=2, size=(160, 160))
    annotations = tmp_path / 'repository/data/coco/annotations'
    annotations.mkdir(parents=True)
    for split in ('train', 'val'):
        content = json.loads((tmp_path / f'shapes/annotations/{split}.json').read_text())
        for category, name in zip(content['categories'], ('person', 'bicycle', 'car')):
            category['name'] = name
        (annotations / f'instances_{split}2017.json').write_text(json.dumps(content))
        (annotations.parent / f'{split}2017').symlink_to(tmp_path / 'shapes/images')
    return tmp_path / 'repository'


def run(python, *arguments, cwd):
    environment = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    done = subprocess.run(  # noqa: S603
        [str(part) for part in (python, *arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_three_lines_and_the_stock_command(environment, repository):
    python, packages = environment
    (repository / 'config.py').write_text(THREE_LINES)
    mim = 'from mim.cli import cli; cli()'
    options = ['--work-dir', 'work', '--cfg-options', *SHORT]
    run(python, '-c', mim, 'train', mim_name(), 'config.py', *options, cwd=repository)

    state = record(repository / 'work')
    assert [round(entry['sparsity'], 4) for entry in state['rounds']] == [0, 0.8]
    log = next((repository / 'work/round_01').glob('*/*.log')).read_text()
    assert all(hook in log for hook in ('YOLOXModeSwitchHook', 'SyncNormHook', 'EMAHook'))

    code = DETECT.format(installed=str(packages))
    zeros = int(run(python, '-c', code, cwd=repository).split()[-1])
    assert zeros >= state['rounds'][1]['prunable'] - state['rounds'][1]['kept'] > 0


def test_the_shipped_base_config_is_inherited_by_one_line(environment, repository):
    python, _ = environment
    (repository / 'config.py').write_text(ONE_LINE)
    code = 'from mmengine.config import Config; c = Config.fromfile("config.py"); '
    code += 'print(c.lottery.rewind, [hook["type"] for hook in c.custom_hooks])'
    printed = run(python, '-c', code, cwd=repository)
    assert printed.split('\n')[0] == ("1ep ['YOLOXModeSwitchHook', 'SyncNormHook', 'EMAHook']")


def test_a_config_is_listed_copied_and_read(environment, tmp_path):
    python, packages = environment
    (entry,) = json.loads(run(python, '-m', 'mmlth', 'configs', 'coco128', '--json', cwd=tmp_path))
    run(python, '-m', 'mmlth', 'configs', 'copy', entry['name'], 'mine.py', cwd=tmp_path)
    code = 'import sys; from mmengine.config import Config; '
    code += 'copy, shipped = map(Config.fromfile, sys.argv[1:]); '
    code += 'assert copy.to_dict() == shipped.to_dict(); print(copy.model.type)'
    shipped = packages / 'mmlth/.mim/configs' / entry['file']
    assert run(python, '-c', code, 'mine.py', shipped, cwd=tmp_path) == 'MaskRCNN\n'
    line = "_base_ = __import__('mmlth').base_config('lth/mask_rcnn/mask_rcnn_r50_imp.py')\n"
    assert line in (tmp_path / 'mine.py').read_text()


def test_the_command_is_installed(environment, tmp_path):
    python, packages = environment
    script = packages / 'bin/mmlth'
    assert script.is_file()
    assert run(python, script, '--version', cwd=tmp_path).startswith('mmlth ')
    assert sys.prefix not in run(
        python, '-c', 'import mmlth; print(mmlth.base_config())', cwd=tmp_path
    )
