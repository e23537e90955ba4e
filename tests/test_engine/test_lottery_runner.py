"""``runner_type='mmlth.LotteryRunner'`` searches as the three lines of an opt-in do."""

import subprocess
import sys
from pathlib import Path

import pytest
from fresh import stock_train
from kit import record
from mmengine.registry import RUNNERS
from points import points_config
from toy import toy_config

from mmlth import LotteryError
from mmlth.registry import RUNNERS as OURS

BY_TYPE = """
custom_imports = dict(imports=['points'], allow_failed_imports=False)
runner_type = 'mmlth.LotteryRunner'
"""


def test_a_runner_type_searches_as_the_three_lines_do(tmp_path):
    searches = {}
    for name, more in (('lines', ''), ('type', BY_TYPE)):
        folder = tmp_path / name
        folder.mkdir()
        done = stock_train(points_config(folder, more))
        assert done.returncode == 0, done.stderr[-2000:]
        searches[name] = folder / 'work'
    for index in range(2):
        lines, by_type = (
            (work / f'tickets/round_0{index}.safetensors').read_bytes()
            for work in searches.values()
        )
        assert lines == by_type
    assert (searches['type'] / 'report/report.html').is_file()
    settings = [record(work)['config'] for work in searches.values()]
    assert settings[0] == settings[1]


WITHOUT_PATCHES = """
import sys
sys.path.insert(0, {tests!r})
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
own = Runner.__init__, Runner.train, Runner.from_cfg.__func__, RUNNERS.build_func
import mmlth
assert Runner.__init__ is not own[0]
Runner.__init__, Runner.train, Runner.from_cfg = own[0], own[1], classmethod(own[2])
RUNNERS.build_func = own[3]
from toy import toy_config
config = toy_config({work_dir!r})
config.runner_type = 'mmlth.LotteryRunner'
RUNNERS.build(config).train()
"""


def test_it_does_not_depend_on_what_is_changed_about_the_runner(tmp_path):
    code = WITHOUT_PATCHES.format(
        tests=str(Path(__file__).parents[1]), work_dir=str(tmp_path / 'unpatched')
    )
    subprocess.run([sys.executable, '-c', code], check=True, capture_output=True)  # noqa: S603
    RUNNERS.build(toy_config(tmp_path / 'patched')).train()
    for index in range(3):
        ticket = f'tickets/round_0{index}.safetensors'
        unpatched = (tmp_path / 'unpatched' / ticket).read_bytes()
        assert unpatched == (tmp_path / 'patched' / ticket).read_bytes()


def test_a_search_of_one_kind_is_resumed_by_the_other(tmp_path):
    config = toy_config(tmp_path, **{'lottery.rounds_per_run': 1})
    RUNNERS.build(config).train()
    config = toy_config(tmp_path, resume=True)
    config.runner_type = OURS.get('LotteryRunner')
    runner = RUNNERS.build(config)
    runner.train()
    assert type(runner).__name__ == 'LotteryRunner'
    assert len(record(tmp_path)['rounds']) == 3


def test_it_is_built_without_from_cfg_as_a_runner_is(tmp_path):
    config = toy_config(tmp_path)
    keys = ('model', 'work_dir', 'train_dataloader', 'train_cfg', 'optim_wrapper')
    runner = OURS.get('LotteryRunner')(**{key: config[key] for key in keys}, cfg=config)
    runner.train()
    assert (tmp_path / 'tickets/round_02.safetensors').is_file()


def test_without_a_lottery_key_it_trains_as_ever(tmp_path):
    config = toy_config(tmp_path)
    config.pop('lottery')
    config.runner_type = 'mmlth.LotteryRunner'
    RUNNERS.build(config).train()
    assert not (tmp_path / 'search.json').exists()


def test_bad_input_is_one_line(tmp_path):
    config = toy_config(tmp_path, **{'lottery.score': 'magnitud'})
    config.runner_type = 'mmlth.LotteryRunner'
    with pytest.raises(LotteryError, match='must be one of'):
        RUNNERS.build(config)
