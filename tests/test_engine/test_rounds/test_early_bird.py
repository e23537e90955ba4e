"""The distance of masks after each epoch, and rounds that end when masks have converged."""

import itertools
import json

import pytest
import torch
from kit import csv_rows, masks_of, search_by, ticket_bytes, ticket_of
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from toy import toy_config

import mmlth
from mmlth import LotteryError, Mask
from mmlth.engine.checkpoints.rewind_file import load_training_state
from mmlth.engine.hooks import MaskDistanceHook, ProgressHook, StopRule
from mmlth.engine.models.unwrapped import bare_model
from mmlth.engine.registry import SCORES
from mmlth.engine.settings import parse_settings
from mmlth.pruning.distance import hamming, iou

EMA = [{'type': 'EMAHook', 'momentum': 0.3}]
# Of the toy, every two masks are nearer than this; so a round ends as soon as the window is full.
NEAR = {'window': 2, 'distance': 0.45}


def search(work_dir, iterations=False, resume=False, changes=None, **lottery):
    config = toy_config(work_dir, iterations, resume=resume, **(changes or {}))
    config.lottery.update({'rewind': '6it', **lottery})
    return search_by(config)['rounds']


@pytest.fixture
def drawn(monkeypatch):
    """The masks that are drawn, by round."""
    masks = {}
    next_mask = MaskDistanceHook._next_mask

    def noted(self, runner):
        mask = next_mask(self, runner)
        masks.setdefault(runner.work_dir[-8:], []).append(mask)
        return mask

    monkeypatch.setattr(MaskDistanceHook, '_next_mask', noted)
    return masks


def _dice_here(inputs):
    return {name: torch.rand_like(weight) for name, weight in inputs.weights.items()}


@pytest.mark.parametrize('iterations', [False, True])
def test_training_is_not_disturbed(tmp_path, monkeypatch, iterations):
    """By a score that draws random numbers, too, of which data and dropout need the next ones."""
    SCORES.register_module(name='dice_here', module=_dice_here, force=True)
    # What the next round draws is not looked at: the numbers that it draws depend on where it is.
    search(tmp_path / 'with', iterations, score='dice_here', rounds=1)
    monkeypatch.setattr(MaskDistanceHook, '_look', lambda *args: None)
    search(tmp_path / 'without', iterations, score='dice_here', rounds=1)
    assert ticket_bytes(tmp_path / 'with') == ticket_bytes(tmp_path / 'without')


@pytest.mark.parametrize('iterations', [False, True])
@pytest.mark.parametrize('hooks', [[], EMA], ids=['', 'ema'])
def test_the_newest_mask_is_that_of_the_next_round(tmp_path, drawn, hooks, iterations):
    search(tmp_path, iterations, changes={'custom_hooks': hooks})
    assert {name: len(masks) for name, masks in drawn.items()} == {'round_00': 3, 'round_01': 2}
    for index in (0, 1):
        ticket = ticket_of(tmp_path, index + 1)
        assert drawn[f'round_0{index}'][-1] == ticket.mask


def test_scalars_are_logged(tmp_path, drawn):
    search(tmp_path)
    lines = [
        json.loads(line)
        for path in tmp_path.glob('round_00/*/vis_data/scalars.json')
        for line in path.read_text().splitlines()
    ]
    logged = {
        key: [e for e in lines if f'lottery/{key}' in e] for key in ('mask_iou', 'mask_distance')
    }
    first, second, third = drawn['round_00']
    farthest = max(hamming(third, first), hamming(third, second))
    assert [e['step'] for e in logged['mask_distance']] == [12, 18]
    assert [e['lottery/mask_distance'] for e in logged['mask_distance']] == pytest.approx(
        [hamming(second, first), farthest]
    )
    assert logged['mask_iou'][1]['lottery/mask_iou'] == pytest.approx(
        min(iou(third, first), iou(third, second))
    )


def test_distances_are_of_the_weights_that_compete(tmp_path, drawn):
    search(tmp_path)
    within = ticket_of(tmp_path, 1).mask
    (path,) = tmp_path.glob('round_01/*/vis_data/scalars.json')
    told = [json.loads(line).get('lottery/mask_distance') for line in path.read_text().splitlines()]
    first, second = drawn['round_01']
    assert [value for value in told if value is not None] == [hamming(second, first, within)]
    assert hamming(second, first, within) == pytest.approx(2 * hamming(second, first))


@HOOKS.register_module(force=True)
class SpoilOneEpochHook(Hook):
    """Weights are NaN where the first epoch ends, and as they were when the next one begins."""

    priority = 'HIGH'

    def after_train_epoch(self, runner):
        weight = bare_model(runner).fc.weight
        self._kept = weight.detach().clone()
        if runner.epoch == 0:
            weight.data.fill_(torch.nan)

    def before_train_epoch(self, runner):
        if runner.epoch == 1:
            bare_model(runner).fc.weight.data.copy_(self._kept)


def test_weights_that_are_nan_end_a_training_only_where_masks_decide_its_end(tmp_path, capsys):
    changes = {
        'custom_hooks': [{'type': 'SpoilOneEpochHook'}],
        'train_cfg.val_interval': 3,
        'default_hooks.checkpoint.interval': 3,
    }
    rounds = search(tmp_path / 'told', changes=changes, rounds=1, rewind='0')
    assert len(rounds) == 2
    assert 'no mask can be drawn after epoch 1: cannot prune: a score' in capsys.readouterr().out
    with pytest.raises(LotteryError, match='a score is NaN'):
        search(tmp_path / 'decided', changes=changes, rounds=1, early_bird={'distance': 0.1})


def training(work_dir, texts, epochs=8, iterations=False, **options):
    """A training whose masks are given, one an epoch (or every 6 iterations)."""
    masks = iter([Mask({'fc.weight': _bits(text)}) for text in texts])
    config = toy_config(work_dir, iterations)
    config.pop('lottery')
    config.train_cfg['max_iters' if iterations else 'max_epochs'] = epochs * (
        6 if iterations else 1
    )
    runner = Runner.from_cfg(config)
    full = Mask({'fc.weight': _bits('1' * 16)})
    runner.register_hook(MaskDistanceHook(lambda weights: next(masks), full, StopRule(**options)))
    runner.train()
    return runner


def _bits(text):
    return torch.tensor([c == '1' for c in text]).reshape(2, 8)


A, B, C = (
    '1' * 8 + '0' * 8,
    '1' * 7 + '0' * 8 + '1',
    '1' * 6 + '0' * 8 + '11',
)  # 2/16 and 4/16 apart


@pytest.mark.parametrize('iterations', [False, True])
@pytest.mark.parametrize(
    ('texts', 'options', 'epochs'),
    [
        # The newest has to be near to all of the others: C is, to A, only where 4/16 will do.
        ([A, B, C, C, C], {'window': 3, 'stop_at': 0.125}, 4),
        ([A, B, C, C, C], {'window': 3, 'stop_at': 0.25}, 3),
        ([A, B, C, C, C], {'window': 3, 'stop_at': 0.124}, 5),
        ([A, C, A, C, A, C, A, C], {'window': 2, 'stop_at': 0.24}, 8),
        ([A] * 8, {'window': 5, 'stop_at': 0.1}, 5),
        ([A] * 8, {'window': 2, 'stop_at': 0.1, 'stop_after': 18}, 4),
        ([A] * 8, {'window': 2}, 8),
    ],
)
def test_when_training_ends_by_hand(tmp_path, texts, options, epochs, iterations):
    assert training(tmp_path, texts, iterations=iterations, **options).iter == 6 * epochs


def test_in_loops_without_epochs_the_interval_can_be_given(tmp_path):
    assert (
        training(tmp_path, [A] * 8, iterations=True, interval=4, window=3, stop_at=0.1).iter == 12
    )


def test_rounds_end_early_but_the_last_one(tmp_path, drawn):
    rounds = search(tmp_path, early_bird=NEAR, changes={'train_cfg.max_epochs': 5})
    told = [
        (r['epochs'], r['saved_epochs'], r['iterations'], r['saved_iterations']) for r in rounds
    ]
    # Round 0 draws after epochs 1 and 2, round 1 from step k on, after epochs 2 and 3.
    assert told == [(2, 3, 12, 18), (2, 2, 12, 12), (4, 0, 24, 0)]
    masks = masks_of(tmp_path)
    assert [drawn['round_00'][-1], drawn['round_01'][-1]] == masks[1:]
    assert all(new.issubset(old) for old, new in itertools.pairwise(masks))
    assert [mask.kept for mask in masks] == [304, 152, 76]
    assert all('toy/accuracy' in entry['metrics'] for entry in rounds)
    rows = csv_rows(tmp_path / 'report/results.csv')
    assert [row['epochs'] for row in rows] == ['2.0', '2.0', '4.0']
    assert [row['saved_iterations'] for row in rows] == ['18', '12', '0']


def test_a_dense_model_in_full(tmp_path):
    early = {**NEAR, 'full_dense': True}
    rounds = search(tmp_path, early_bird=early, changes={'train_cfg.max_epochs': 5})
    assert [entry['saved_epochs'] for entry in rounds] == [0, 2, 0]


def test_round_0_gets_beyond_the_rewind_step(tmp_path):
    rounds = search(tmp_path, early_bird=NEAR, rewind='2ep', changes={'train_cfg.max_epochs': 5})
    assert [entry['epochs'] for entry in rounds] == [3, 2, 3]


def test_where_chance_would_do_a_round_trains_in_full(tmp_path, capsys):
    # Half of the weights are pruned a round; two masks that do so differ in half by chance.
    rounds = search(tmp_path, early_bird={'window': 2, 'distance': 0.5})
    assert [entry['saved_epochs'] for entry in rounds] == [0, 0, 0]
    output = capsys.readouterr()
    line = ' '.join((output.out + output.err).split())
    assert 'early-bird: round 0 trains in full: its next mask keeps 50.0%' in line


def test_masks_of_round_0_are_no_part_of_the_rewind_state(tmp_path):
    search(tmp_path, rounds=1)
    assert 'mmlth_masks' not in load_training_state(tmp_path / 'rewind.safetensors')


def test_a_branch_shares_a_dense_round_that_ended_alike(tmp_path):
    search(tmp_path / 'early', early_bird=NEAR, rounds=1)
    with pytest.raises(LotteryError, match=r"has .*'distance': 0\.45.* would have .*: 0\.3"):
        mmlth.branch(tmp_path / 'early', early_bird={**NEAR, 'distance': 0.3})
    for control in (None, 'random'):
        with pytest.raises(LotteryError, match=r'the branch would have None; restore it'):
            mmlth.branch(tmp_path / 'early', control, early_bird=None)
    search(tmp_path / 'full', rounds=1)
    with pytest.raises(LotteryError, match=r'early_bird'):
        mmlth.branch(tmp_path / 'full', early_bird=NEAR)
    # A dense round in full is the same, whatever ends the others.
    early = {**NEAR, 'full_dense': True}
    lottery = {'rounds': 2, 'target_sparsity': 0.75}
    rounds = mmlth.branch(tmp_path / 'full', early_bird=early, name='later', **lottery)
    assert [entry.get('saved_epochs') for entry in rounds] == [None, 0, 0]


def test_rounds_of_a_control_train_in_full(tmp_path):
    search(tmp_path, early_bird=NEAR, changes={'train_cfg.max_epochs': 5})
    rounds = mmlth.branch(tmp_path, 'random')
    assert not any(
        'mask_distance' in p.read_text() for p in tmp_path.glob('branches/**/scalars.json')
    )
    assert all('epochs' not in entry for entry in rounds[1:])


class Killed(BaseException):
    """Stands for SIGKILL."""


LONG = {'train_cfg.max_epochs': 6, 'default_hooks.checkpoint.interval': 1}
BY_ITERATION = {**LONG, 'default_hooks.checkpoint.by_epoch': False}
THREE = {'window': 3, 'distance': 0.45}


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory):
    known = {}

    def get(iterations):
        if iterations not in known:
            work_dir = tmp_path_factory.mktemp('undisturbed')
            changes = {'train_cfg.max_iters': 36} if iterations else LONG
            rounds = search(work_dir, iterations, changes=changes, early_bird=THREE)
            assert [entry['iterations'] for entry in rounds] == [18, 18, 30]
            known[iterations] = ticket_bytes(work_dir)
        return known[iterations]

    return get


@pytest.mark.parametrize(
    ('changes', 'hook', 'point', 'round_name', 'iteration'),
    [
        (LONG, ProgressHook, 'before_train_iter', 'round_00', 14),  # two masks are drawn
        (LONG, ProgressHook, 'before_val_epoch', 'round_00', 18),  # it has converged
        (LONG, ProgressHook, 'after_train', 'round_01', 24),
        (BY_ITERATION, ProgressHook, 'after_train_epoch', 'round_00', 18),  # before it is saved
        (
            {**LONG, 'default_hooks.checkpoint.interval': 2},
            ProgressHook,
            'after_train',
            'round_00',
            18,
        ),
        ('iterations', ProgressHook, 'before_train_iter', 'round_00', 14),
        ('iterations', ProgressHook, 'before_val_epoch', 'round_01', 24),
    ],
)
def test_killed(undisturbed, tmp_path, monkeypatch, changes, hook, point, round_name, iteration):
    iterations = changes == 'iterations'
    changes = {'train_cfg.max_iters': 36} if iterations else changes
    original = getattr(hook, point)

    def end(self, runner, *args, **kwargs):
        if runner.work_dir.endswith(round_name) and runner.iter == iteration:
            raise Killed
        original(self, runner, *args, **kwargs)

    monkeypatch.setattr(hook, point, end)
    with pytest.raises(Killed):
        search(tmp_path, iterations, changes=changes, early_bird=THREE)
    monkeypatch.undo()
    rounds = search(tmp_path, iterations, resume=True, changes=changes, early_bird=THREE)
    assert ticket_bytes(tmp_path) == undisturbed(iterations)
    assert [entry['iterations'] for entry in rounds] == [18, 18, 30]


def test_a_window_that_converged_before_the_rewind_step_ends_nothing_after_it(
    tmp_path, monkeypatch
):
    """The masks in the checkpoint agree, but training went on, for step k was to come."""
    lottery = {'early_bird': NEAR, 'rewind': '14it', 'rounds': 1}
    changes = {**BY_ITERATION, 'default_hooks.checkpoint.interval': 2}
    search(tmp_path / 'whole', changes=changes, **lottery)
    original = ProgressHook.before_train_iter

    def end(self, runner, *args, **kwargs):
        if runner.iter == 17 and runner.work_dir.endswith('round_00'):
            raise Killed

    monkeypatch.setattr(ProgressHook, 'before_train_iter', end)
    with pytest.raises(Killed):
        search(tmp_path / 'killed', changes=changes, **lottery)
    monkeypatch.setattr(ProgressHook, 'before_train_iter', original)
    search(tmp_path / 'killed', resume=True, changes=changes, **lottery)
    assert ticket_bytes(tmp_path / 'killed') == ticket_bytes(tmp_path / 'whole')


@pytest.mark.parametrize(
    ('lottery', 'message'),
    [
        ({'early_bird': True}, 'must be a dict like'),
        ({'early_bird': {'windw': 5}}, r"unknown key lottery\.early_bird\.windw; did you mean 'w"),
        ({'early_bird': {'window': 1}}, 'compares 2 masks or more, got 1'),
        ({'early_bird': {'distance': 0}}, 'must lie between 0 and 1'),
        ({'early_bird': {'interval': 0}}, 'a whole number of at least 1'),
        ({'early_bird': {'full_dense': 1}}, 'must be True or False'),
        ({'early_bird': {}, 'rewind_what': 'nothing'}, 'which is still high'),
        ({'early_bird': {'full_dense': True}, 'rounds': 1}, 'leaves no round to stop'),
    ],
)
def test_bad_settings(lottery, message):
    with pytest.raises(LotteryError, match=message):
        parse_settings(lottery)


def test_settings():
    assert parse_settings({}).early_bird is None
    result = parse_settings({'early_bird': {}}).early_bird
    assert (result.window, result.distance, result.interval, result.full_dense) == (
        5,
        0.1,
        None,
        False,
    )
