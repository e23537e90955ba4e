"""The config of a search lies in search.json, whatever its file was, and is read as data."""

import json
import math
from collections import OrderedDict
from pathlib import Path

import fresh
import numpy as np
import pytest
import torch
from kit import record
from mmengine.config import Config
from mmengine.runner import Runner
from points import points_config
from toy import ToyModel, toy_config

import mmlth
from mmlth import LotteryError
from mmlth.engine.configs.accepted_config import config_record, read_accepted
from mmlth.engine.configs.reading import read_config, searched_config


def again(config, tmp_path, **state):
    path = tmp_path / 'search.json'
    content = {'format': 'mmlth-search', 'accepted_config': config_record(config), **state}
    path.write_text(json.dumps(content))
    return read_accepted(path)


VALUES = {
    'scale': (1333, 800),
    'scales': [(1333, 640), [1, (2,)]],
    'nothing': None,
    'by_number': {0: 'a', 1: {'b': (1,)}},
    'by_tuple': {(0, 1): 'a', None: 'b', True: 'c'},
    'marks': {'@python': 1, '@tuple': [2], 'type': 'X'},
    'numbers': [1, 1.0, True, -0.0, math.inf, 1e-300],
    'slice': slice(0, None, 2),
    'range': range(3),
    'sets': [{1, 'a'}, frozenset({(1, 2)})],
    'bytes': b'\x00\xff',
    'complex': 1 + 2j,
    'ellipsis': [...],
    'path': Path('a/b'),
    'array': np.arange(6, dtype=np.float32).reshape(2, 3),
    'scalar': np.float64(0.1),
    'tensor': torch.arange(3),
    'order': OrderedDict(b=1, a=2),
    'quoted': 'it\'s\n"quoted" ✓',
}


@pytest.mark.parametrize('key', VALUES)
def test_every_value_comes_back(tmp_path, key):
    before = Config({'model': {'type': 'X'}, key: VALUES[key]})
    after = again(before, tmp_path)
    result, wanted = after[key], before[key]
    if key in ('array', 'tensor'):
        assert type(result) is type(wanted)
        assert result.dtype == wanted.dtype
        assert result.tolist() == wanted.tolist()
        return
    assert result == wanted
    assert repr(result) == repr(wanted) or key == 'sets'
    assert list(after) == ['model', key, 'load_from']


def test_classes_are_names_and_objects_are_told(tmp_path):
    config = Config({'model': {'type': ToyModel}, 'draw': sorted_by_name})
    after = again(config, tmp_path)
    assert after.model.type == 'toy.ToyModel'
    assert after.draw.endswith('.sorted_by_name')
    config.custom_hooks = [{'type': 'A', 'of': [object()]}]
    with pytest.raises(LotteryError, match=r'custom_hooks\[0\]\.of\[0\] of class builtins\.object'):
        again(config, tmp_path)


def sorted_by_name():
    """Stands for a function that a config of the newer style names."""


def test_a_config_of_the_newer_style(tmp_path):
    (tmp_path / 'lazy.py').write_text(
        'from mmengine.hooks import EMAHook\nfrom mmengine.model import ExponentialMovingAverage\n'
        "model = dict(type='X')\n"
        'custom_hooks = [dict(type=EMAHook, ema_type=ExponentialMovingAverage)]\n'
    )
    config = Config.fromfile(tmp_path / 'lazy.py')
    (hook,) = again(config, tmp_path).custom_hooks
    assert hook.type == 'mmengine.hooks.ema_hook.EMAHook' or hook.type.endswith('.EMAHook')
    assert hook.ema_type.endswith('.ExponentialMovingAverage')


def test_where_it_starts_comes_along(tmp_path):
    config = Config({'model': {}, 'load_from': None, 'resume': True, 'work_dir': '/home/me'})
    after = again(config, tmp_path, load_from='a.pth')
    assert after.load_from == 'a.pth'
    assert 'resume' not in after
    assert 'work_dir' not in after


@pytest.fixture(scope='module')
def searched(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('searched') / 'work'
    config = toy_config(work_dir)
    config.lottery.rounds = 1
    Runner.from_cfg(config).train()
    return work_dir


def test_nothing_in_work_dir_is_run(searched):
    for path in searched.glob('*.py'):
        path.write_text("raise SystemExit('it is run')")
    assert searched_config(searched / 'search.json').model.type == 'ToyModel'
    mmlth.branch(searched, 'random')


def test_it_is_a_config_wherever_one_is_taken(searched):
    assert read_config(searched / 'search.json').model.type == 'ToyModel'
    assert len(mmlth.targets(searched / 'search.json')[0]) == 3


def test_a_search_of_before(searched, tmp_path):
    """Whose config nobody kept: one line says how it is added."""
    state = record(searched)
    del state['accepted_config']
    (tmp_path / 'search.json').write_text(json.dumps(state))
    for read in (
        lambda folder: searched_config(folder / 'search.json'),
        lambda folder: mmlth.branch(folder, 'random'),
    ):
        with pytest.raises(LotteryError, match=r'--resume \(resume=True\) once') as error:
            read(tmp_path)
        assert '\n' not in str(error.value)
    (tmp_path / 'tickets').symlink_to(searched / 'tickets')
    config = toy_config(tmp_path)
    config.lottery.rounds = 1
    mmlth.search(config, resume=True)
    assert searched_config(tmp_path / 'search.json').model.type == 'ToyModel'


def test_damage_is_told(tmp_path):
    path = tmp_path / 'search.json'
    for text in ('{', '[]', '{"accepted_config": 3}', '{"accepted_config": {"file": 1}}'):
        path.write_text(text)
        with pytest.raises(LotteryError, match='is damaged'):
            read_accepted(path)


@pytest.mark.parametrize('suffix', ['json', 'yaml'])
def test_json_and_yaml(tmp_path, suffix):
    """By the stock script, and then in another process."""
    path = tmp_path / f'conf.{suffix}'
    Config.fromfile(points_config(tmp_path)).dump(path)
    trained = fresh.stock_train(path)
    assert trained.returncode == 0, trained.stderr
    work_dir = tmp_path / 'work'
    assert searched_config(work_dir / 'search.json').model.type == 'PointsNet'
    mmlth.branch(work_dir, 'random')
    assert (work_dir / f'branches/random/conf.{suffix}').is_file()
