"""Configs of MMEngine's newer style, where ``type`` is a class, search like all others."""

import pytest
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from toy import toy_config

import mmlth
from mmlth.engine import LotteryError

NEW_STYLE = """
from mmengine.dataset import DefaultSampler, default_collate
from mmengine.hooks import CheckpointHook, EMAHook
from mmengine.optim import CosineAnnealingLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop
from torch.optim import SGD
from toy import ToyAccuracy, ToyDataset, ToyModel

model = dict(type=ToyModel)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type=DefaultSampler, shuffle=True),
    dataset=dict(type=ToyDataset),
    collate_fn=dict(type=default_collate),
)
train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=2)
optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=SGD, lr=0.1, momentum=0.9))
param_scheduler = [dict(type=CosineAnnealingLR, T_max=12, by_epoch=False)]
default_hooks = dict(checkpoint=dict(type=CheckpointHook, interval=1))
custom_hooks = [dict(type=EMAHook)]
lottery = dict(target_sparsity=0.75, rounds=2, rewind='1ep')
"""


def test_a_config_of_the_new_style_searches(tmp_path):
    path = tmp_path / 'new.py'
    path.write_text(NEW_STYLE)
    rounds = mmlth.search(path, work_dir=tmp_path / 'work')
    assert [round_['sparsity'] for round_ in rounds] == pytest.approx([0, 0.5, 0.75], abs=0.01)
    again = mmlth.search(path, work_dir=tmp_path / 'work', resume=True)
    assert again == rounds


def test_modules_and_functions_in_a_config_of_the_new_style_are_no_settings(tmp_path):
    path = tmp_path / 'new.py'
    path.write_text(f"{NEW_STYLE}\nmath = __import__('math')\ndef half(x):\n    return x / 2\n")
    config = Config.fromfile(path)
    config.work_dir = str(tmp_path / 'stock')
    Runner.from_cfg(config)
    assert len(mmlth.search(config, work_dir=tmp_path / 'work')) == 3
    assert {'math', 'half'} <= config.keys()


def test_a_config_of_the_new_style_that_calls_what_it_imports(tmp_path):
    path = tmp_path / 'new.py'
    path.write_text(f'{NEW_STYLE}\nlength = len(ToyDataset())\n')
    line = path.read_text().splitlines().index('length = len(ToyDataset())') + 1
    with pytest.raises(LotteryError, match=rf'line {line}, calls .*ToyDataset.*__import__') as told:
        mmlth.search(path)
    assert '\n' not in str(told.value)


@pytest.mark.parametrize(
    'imports', [None, {'imports': 'json'}, {'imports': ('json',)}, {'imports': None}, {}]
)
def test_imports_of_a_config_in_any_form(tmp_path, imports):
    Runner.from_cfg(toy_config(tmp_path, custom_imports=imports))
    (dumped,) = tmp_path.glob('*.py')
    assert 'mmlth' in Config.fromfile(dumped).custom_imports.imports


def test_imports_that_mmengine_would_not_read(tmp_path):
    with pytest.raises(LotteryError, match='custom_imports must be like dict'):
        Runner.from_cfg(toy_config(tmp_path / 'work', custom_imports=['json']))
    assert not (tmp_path / 'work').exists()


def test_a_search_needs_no_lottery_key(tmp_path):
    config = toy_config(tmp_path)
    config.pop('lottery')
    rounds = mmlth.search(config, target_sparsity=0.5, rounds=1)
    assert len(rounds) == 2
    assert rounds[1]['sparsity'] == pytest.approx(0.5, abs=0.01)


def test_one_of_rounds_and_rate_replaces_the_other_of_the_config(tmp_path):
    config = toy_config(tmp_path)  # has rounds=2
    assert len(mmlth.search(config, rate=0.75)) == 2
    assert config.lottery.rounds == 2


@RUNNERS.register_module(force=True)
class CountingRunner(Runner):
    """A Runner of the user's own, named by ``runner_type``."""

    trained = 0

    def train(self):
        CountingRunner.trained += 'round_' in self.work_dir
        return super().train()


def test_rounds_train_in_the_runner_that_the_config_names(tmp_path):
    assert len(mmlth.search(toy_config(tmp_path, runner_type='CountingRunner'))) == 3
    assert CountingRunner.trained == 3
