"""One clear line each, and nothing half-written."""

import re
import subprocess
import sys

import pytest
from mmengine.runner import Runner
from repository import TESTS
from toy import toy_config

from mmlth.engine import LotteryError, parse_settings

SETTINGS = {
    "unknown key lottery.target_sparsty; did you mean 'target_sparsity'?": {'target_sparsty': 0.8},
    "unknown key lottery.targets.inclde; did you mean 'include'?": {'targets': {'inclde': []}},
    'lottery.target_sparsity must lie between 0 and 1 (excluded), got 1.0': {
        'target_sparsity': 1.0
    },
    'lottery.target_sparsity must lie between 0 and 1 (excluded), got 80': {'target_sparsity': 80},
    'lottery.target_sparsity must lie between 0 and 1 (excluded), got 0': {'target_sparsity': 0},
    'lottery.rounds must be a whole number of at least 1, got 0': {'rounds': 0},
    'lottery.rounds must be a whole number of at least 1, got True': {'rounds': True},
    'lottery.rounds=3 and lottery.rate=0.2 exclude each other': {'rounds': 3, 'rate': 0.2},
    'lottery.rate must lie between 0 and 1 (excluded), got 1.5': {'rate': 1.5},
    "lottery.rewind must be like '0', '500it' or '1ep', or 'best', got '1 epoch'": {
        'rewind': '1 epoch'
    },
    'lottery.rewind_what must be one of': {'rewind_what': 'everything'},
    'lottery.score must be one of grasp, magnitude, magnitude_increase': {'score': 'magnitud'},
    "lottery.score='snip' has no option 'batchs'; it has batches, at": {
        'score': {'type': 'snip', 'batchs': 2}
    },
    "lottery.score='snip': batches must be a whole number of at least 1, got 0": {
        'score': {'type': 'snip', 'batches': 0}
    },
    "lottery.score='taylor': at must be one of start, trained, got 'end'": {
        'score': {'type': 'taylor', 'at': 'end'}
    },
    'lottery.allocation must be one of budgets, erk, global, lamp, uniform': {'allocation': 'locl'},
    "lottery.allocation='budgets' needs the option 'modules'": {'allocation': 'budgets'},
    "lottery.allocation='budgets': the budget of 'neck' must be a sparsity": {
        'allocation': {'neck': 1.0}
    },
    'lottery.pattern must be one of 4x1, channel, kernel, n_of_m, unstructured, N:M': {
        'pattern': 'row'
    },
    'lottery.pattern: N:M needs whole numbers 0 < N < M, got 4:2': {'pattern': '4:2'},
    "lottery.pattern='1:4' removes at least 0.75 of the weights, but 0.5 is asked for": {
        'pattern': '1:4',
        'target_sparsity': 0.5,
    },
    'lottery.floor must be a share from 0 to below 1, got 1': {'floor': 1},
    "lottery.budget must be one of macs, weights, got 'flops'": {'budget': 'flops'},
    'unknown key lottery.budget.exponent; valid keys: type, power': {
        'budget': {'type': 'macs', 'exponent': 1}
    },
    'lottery.budget.power must lie between 0 and 1, got 2': {
        'budget': {'type': 'macs', 'power': 2}
    },
    "lottery.budget.power is of 'macs'; leave it out where weights count": {
        'budget': {'type': 'weights', 'power': 0.5}
    },
    "lottery.budget='macs' counts multiply-adds, but lottery.allocation={'neck': 0.5} says how "
    "many weights are left; give 'global', 'uniform', 'erk' or 'lamp'": {
        'budget': 'macs',
        'allocation': {'neck': 0.5},
    },
    'lottery.early_bird compares masks with chance by the number of weights, which': {
        'budget': 'macs',
        'early_bird': {'window': 5},
    },
    'lottery.distil must be a number above 0, got True': {'distil': True},
    "lottery.distil must be a number above 0, got 'much'": {'distil': 'much'},
    'lottery.distil must be a number above 0, got inf': {'distil': float('inf')},
    'unknown key lottery.distil.temprature; did you mean': {
        'distil': {'weight': 1, 'temprature': 2}
    },
    "lottery.distil={'temperature': 2} needs a weight": {'distil': {'temperature': 2}},
    'lottery.distil.temperature must be a number above 0, got 0': {
        'distil': {'weight': 1, 'temperature': 0}
    },
    'lottery.sparsities=[0.5] and lottery.rounds=2 exclude each other': {
        'sparsities': [0.5],
        'rounds': 2,
    },
    'lottery.sparsities must be a list such as [0.5, 0.8, 0.9], got []': {'sparsities': []},
    'lottery.sparsities must rise from round to round': {'sparsities': [0.5, 0.5]},
    'lottery.target_sparsity=0.8, but lottery.sparsities ends at 0.9': {
        'target_sparsity': 0.8,
        'sparsities': [0.5, 0.9],
    },
    'lottery must be a dict, got 0.8': 0.8,
    'lottery.targets.exclude must be a list of patterns, got 3': {'targets': {'exclude': 3}},
    "lottery.targets.frozen must be True or False, got 'no'": {'targets': {'frozen': 'no'}},
    "lottery.overwrite must be True or False, got 'no'": {'overwrite': 'no'},
}


@pytest.mark.parametrize('message', SETTINGS)
def test_settings(message):
    with pytest.raises(LotteryError, match='^' + re.escape(message)) as caught:
        parse_settings(SETTINGS[message])
    assert '\n' not in str(caught.value)


def test_bad_settings_are_found_before_anything_is_written(tmp_path):
    config = toy_config(tmp_path / 'work')
    config.lottery.rounds = 0
    with pytest.raises(LotteryError, match='rounds'):
        Runner.from_cfg(config)
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize(
    ('iterations', 'lottery', 'message'),
    [
        (False, {'rewind': '3ep'}, r"'3ep' is past the end of training, which takes 18 iterations"),
        (False, {'rewind': '18it'}, r'is past the end of training'),
        (True, {'rewind': '1ep'}, r'counts epochs, but IterBasedTrainLoop has none'),
        (False, {'targets': {'exclude': ['bckbone']}}, r"'bckbone' .* matches no weight"),
        (False, {'targets': {'include': ['bn']}}, r"'bn' .* matches no weight"),
        (False, {'targets': {'exclude': ['conv', 'depthwise', 'fc']}}, r'no prunable weights'),
    ],
)
def test_what_only_the_model_or_the_loop_can_tell(tmp_path, iterations, lottery, message):
    config = toy_config(tmp_path, iterations)
    config.lottery.update(lottery)
    with pytest.raises(LotteryError, match=message) as caught:
        Runner.from_cfg(config).train()
    assert '\n' not in str(caught.value)
    assert not (tmp_path / 'search.json').exists()
    assert not (tmp_path / 'round_00').exists()


def test_rewinding_into_an_accumulation_of_gradients(tmp_path):
    config = toy_config(tmp_path)
    config.optim_wrapper.accumulative_counts = 4
    with pytest.raises(LotteryError, match='inside an accumulation of gradients'):
        Runner.from_cfg(config).train()


def test_another_search_in_the_work_dir(tmp_path):
    config = toy_config(tmp_path)
    config.lottery.rounds = 1
    Runner.from_cfg(config).train()
    before = (tmp_path / 'search.json').read_bytes()
    for resume, lottery, message in (
        (False, {'rounds': 1}, 'holds this search already, 2 of 2 rounds done; add --resume'),
        (False, {'rounds': 3}, r'other settings \(lottery.rounds: 1 → 3\)'),
        (True, {'rewind': '2ep'}, "cannot be resumed with these: lottery.rewind: '1ep' → '2ep'"),
        (True, {'rounds': 3}, 'finished at sparsity 0.75; further rounds need a higher'),
        (True, {'target_sparsity': 0.9}, 'lottery.rounds=1 counts all rounds, of which 1 are'),
    ):
        again = toy_config(tmp_path)
        again.lottery.update(rounds=1)
        again.lottery.update(lottery)
        again.resume = resume
        with pytest.raises(LotteryError, match=message):
            Runner.from_cfg(again).train()
    assert (tmp_path / 'search.json').read_bytes() == before


def test_harmless_settings_may_change(tmp_path):
    config = toy_config(tmp_path)
    config.lottery.rounds = 1
    Runner.from_cfg(config).train()
    again = toy_config(tmp_path)
    again.lottery.rounds = 1
    again.resume = True
    again.train_dataloader.num_workers = 1
    again.log_level = 'ERROR'
    again.default_hooks.logger.interval = 1
    Runner.from_cfg(again).train()


FILE = {'data_root': 'data/nowhere/', 'ann_file': 'a.json'}
LOAD = {'pipeline': [{'type': 'LoadImageFromFile'}]}
FOLDER = {'data_root': 'data/nowhere', 'data_prefix': 'train', **LOAD}  # as MMPretrain's sets
SPLIT = {'data_root': 'data/nowhere', 'split': 'val', **LOAD}
IMAGES = {'data_prefix': {'img': 'data/nowhere/images'}, 'pipeline': [{'type': 'LoadImage'}]}


@pytest.mark.parametrize(
    ('where', 'what', 'message'),
    [
        ('train_dataloader.dataset', FILE, 'ann_file does not exist: data/nowhere/a.json'),
        ('val_dataloader.dataset', FILE, 'ann_file does not exist: data/nowhere/a.json'),
        ('train_dataloader.dataset', IMAGES, 'data_prefix.img does not exist: data/nowhere/images'),
        ('train_dataloader.dataset', FOLDER, 'data_prefix does not exist: data/nowhere/train'),
        ('val_dataloader.dataset', SPLIT, 'data_root does not exist: data/nowhere'),
        ('val_evaluator', {'ann_file': 'a.json'}, 'ann_file does not exist: a.json'),
    ],
)
def test_missing_data(tmp_path, where, what, message):
    config = toy_config(tmp_path, **{where: what})
    with pytest.raises(LotteryError, match=re.escape(f'{where}.{message}')):
        Runner.from_cfg(config).train()
    assert not (tmp_path / 'search.json').exists()


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import mmlth
from mmengine.runner import Runner
from toy import toy_config
config = toy_config({work_dir!r})
config.lottery.rounds = 0
Runner.from_cfg(config).train()
"""


def test_a_script_ends_with_one_line(tmp_path):
    code = SCRIPT.format(tests=str(TESTS), work_dir=str(tmp_path / 'work'))
    done = subprocess.run(  # noqa: S603
        [sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        'mmlth: lottery.rounds must be a whole number of at least 1, got 0'
    ]
