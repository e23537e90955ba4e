"""The ``lottery`` key is read by the stock commands, whatever the style of a config."""

import fresh
import pytest
from kit import record
from points import points_config

LAZY_BASE = """
from mmengine.dataset import DefaultSampler, default_collate
from mmengine.optim import OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, ValLoop
from points import Points, PointsAccuracy, PointsNet
from torch.optim import SGD

default_scope = 'mmengine'
model = dict(type=PointsNet)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type=default_collate),
    dataset=dict(type=Points),
    sampler=dict(type=DefaultSampler, shuffle=True),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type=default_collate),
    dataset=dict(type=Points, seed=1),
    sampler=dict(type=DefaultSampler, shuffle=False),
)
val_evaluator = dict(type=PointsAccuracy)
train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=2)
val_cfg = dict(type=ValLoop)
optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=SGD, lr=0.1, momentum=0.9))
randomness = dict(seed=0)
"""

LAZY = """
from mmengine.config import read_base
with read_base():
    from .lazy_base import *  # noqa
from count_hook import CountHook
from mmengine.hooks import EMAHook
from mmengine.optim import ConstantLR

__import__('mmlth')
work = __import__('os').environ.get('WORK', 'nowhere')
custom_hooks = [dict(type=EMAHook), dict(type=CountHook)]
optim_wrapper.optimizer.update(lr=0.2)
param_scheduler = [dict(type=ConstantLR, factor=0.5)]  # notes the initial learning rate
lottery = dict(target_sparsity=0.5, rounds=1)
"""

COUNT_HOOK = """
from mmengine.hooks import Hook

class CountHook(Hook):
    def after_train(self, runner):
        ema = any(type(hook).__name__ == 'EMAHook' for hook in runner.hooks)
        rate = runner.optim_wrapper.param_groups[0]['initial_lr']
        print('COUNTED', ema, rate, flush=True)
"""


@pytest.mark.parametrize('package', ['mmdet', 'mmpose'])
def test_configs_of_the_newer_style(tmp_path, package):
    (tmp_path / 'lazy_base.py').write_text(LAZY_BASE)
    (tmp_path / 'lazy.py').write_text(LAZY)
    (tmp_path / 'count_hook.py').write_text(COUNT_HOOK)
    path = {'PYTHONPATH': _path(tmp_path)}
    done = fresh.stock_train(tmp_path / 'lazy.py', package=package, **path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('COUNTED True 0.2') == 2
    rounds = record(tmp_path / 'work')['rounds']
    assert [entry['sparsity'] for entry in rounds] == pytest.approx([0, 0.5], abs=0.01)

    if package == 'mmpose':
        return  # all that follows is mmlth's own
    # The config that the Runner left is enough to go on from, in a process of its own.
    done = fresh.mmlth('branch', 'work', 'random', cwd=tmp_path, **path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('COUNTED True 0.2') == 1


def test_a_child_whose_imports_replace_those_of_its_parent(tmp_path):
    parent = points_config(tmp_path, "__import__('mmlth')\n", name='parent.py')
    parent.with_name('child.py').write_text(
        "_base_ = './parent.py'\ncustom_imports = dict(_delete_=True, imports='points')\n"
    )
    done = fresh.stock_train(tmp_path / 'child.py')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'work/tickets/round_01.safetensors').is_file()


SCRIPT = """
import mmlth
from mmengine.config import Config
from mmengine.runner import Runner

class OwnRunner(Runner):
    @classmethod
    def from_cfg(cls, cfg):
        keys = ('model', 'work_dir', 'train_dataloader', 'train_cfg', 'optim_wrapper')
        return cls(**{key: cfg[key] for key in keys}, cfg=cfg)

cfg = Config.fromfile('points_config.py')
cfg.work_dir = 'work'
OwnRunner.from_cfg(cfg).train()
"""


def test_a_training_script_that_imports_mmlth_itself(tmp_path):
    points_config(tmp_path, "custom_imports = dict(imports=['points'])\n")
    (tmp_path / 'train.py').write_text(SCRIPT)
    done = fresh.python('train.py', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'work/tickets/round_01.safetensors').is_file()


LOSSY = """
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

@RUNNERS.register_module()
class Lossy(Runner):
    @classmethod
    def from_cfg(cls, cfg):
        keys = ('model', 'work_dir', 'train_dataloader', 'train_cfg', 'optim_wrapper')
        return cls(**{key: cfg[key] for key in keys})
"""


def test_a_runner_that_loses_its_config_says_so_in_one_line(tmp_path):
    (tmp_path / 'lossy.py').write_text(LOSSY)
    imports = "custom_imports = dict(imports=['points', 'mmlth', 'lossy'])\nrunner_type = 'Lossy'\n"
    done = fresh.stock_train(points_config(tmp_path, imports), PYTHONPATH=_path(tmp_path))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith('mmlth: Lossy does not tell Runner.__init__')
    assert not list(tmp_path.glob('work/**/*.pth'))


def _path(folder):
    return f'{folder}:{fresh.ROOT}:{fresh.ROOT / "tests"}'
