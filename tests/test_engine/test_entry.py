"""Law 6: absent means absent; and the one seam is reached by both ways to build a Runner."""

import subprocess
import sys

import pytest
import torch
from kit import ticket_of
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import FlexibleRunner, Runner
from repository import TESTS
from toy import toy_config

from mmlth.engine import patch_runner

TRAIN = """
import sys, torch
sys.path.insert(0, {tests!r})
{imports}
from mmengine.runner import Runner
from toy import toy_config
config = toy_config({work_dir!r})
config.pop('lottery')
config.pop('custom_imports')
runner = Runner.from_cfg(config)
runner.train()
print('train' in vars(runner), [type(hook).__name__ for hook in runner.hooks])
torch.save(runner.model.state_dict(), {out!r})
"""


def test_without_lottery_training_is_the_same_bit_for_bit(tmp_path):
    printed, weights = [], []
    for imports in ('', 'import mmlth'):
        out = str(tmp_path / f'{bool(imports)}.pt')
        code = TRAIN.format(
            tests=str(TESTS),
            imports=imports,
            work_dir=str(tmp_path / 'work'),
            out=out,
        )
        done = subprocess.run(  # noqa: S603
            [sys.executable, '-c', code], capture_output=True, text=True, check=True
        )
        printed.append(done.stdout.splitlines()[-1])
        weights.append(torch.load(out))
    assert printed[0] == printed[1]
    assert printed[0].startswith('False')
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_with_lottery_the_runner_searches_whichever_way_it_is_built(tmp_path):
    for build in (Runner.from_cfg, RUNNERS.build):
        config = toy_config(tmp_path)
        if build is not Runner.from_cfg:
            config.runner_type = 'Runner'
        assert 'train' in vars(build(config))


def test_installing_twice_wraps_once():
    before = Runner.__dict__['from_cfg'].__func__
    patch_runner(lambda work_dir, at_end: None)
    assert Runner.__dict__['from_cfg'].__func__ is before


def test_the_dumped_config_imports_mmlth(tmp_path):
    config = toy_config(tmp_path, custom_imports={'imports': ['json']})
    Runner.from_cfg(config)
    dumped = next(tmp_path.glob('*.py'))
    assert Config.fromfile(dumped).custom_imports.imports == ['json', 'mmlth']


def test_flexible_runner_is_refused(tmp_path):
    with pytest.raises(ValueError, match='FlexibleRunner'):
        FlexibleRunner.from_cfg(toy_config(tmp_path))


def test_a_round_trains_like_a_stock_runner(tmp_path):
    """Round 0 is the dense control: bit for bit what the user's config trains without mmlth."""
    config = toy_config(tmp_path / 'stock')
    config.pop('lottery')
    stock = Runner.from_cfg(config)
    stock.train()
    searched = toy_config(tmp_path / 'search')
    searched.lottery.rounds = 1
    Runner.from_cfg(searched).train()
    dense = ticket_of(tmp_path / 'search', 0).state_dict()
    assert all(torch.equal(value, dense[key]) for key, value in stock.model.state_dict().items())


def test_what_no_runner_can_be_built_from_is_mmengines_error():
    with pytest.raises(AssertionError, match='cfg should be'):
        RUNNERS.build('Runner')
