"""The schedule of a round of another length is that of a full one, run through at its pace."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmdet.engine.schedulers import QuadraticWarmupLR
from mmengine.config import Config
from mmengine.hooks import ParamSchedulerHook
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch import nn

from mmlth import LotteryError
from mmlth.engine.hooks import PaceHook
from mmlth.engine.settings import RoundLength
from mmlth.engine.training import Pace, at_pace, find_pace, scale_schedule

EPOCHS, EPOCH = 12, 5
FULL = EPOCHS * EPOCH
OPTIONS = {
    'Constant': {'factor': 0.5, 'end': 6},
    'CosineAnnealing': {'eta_min': 1e-4},
    'CosineRestart': {'periods': [4, 8], 'restart_weights': [1, 0.5], 'eta_min': 0.0},
    'Exponential': {'gamma': 0.9},
    'Linear': {'start_factor': 0.1, 'end': 3},
    'MultiStep': {'milestones': [3, 8, 11]},
    'OneCycle': {'eta_max': 0.3},
    'Poly': {'power': 2.0, 'eta_min': 1e-4, 'begin': 2},
    'QuadraticWarmup': {'end': 5},
    'Step': {'step_size': 4, 'gamma': 0.5},
}
"""Of each kind of scheduler, in epochs."""
COUNTED = ('begin', 'end', 'periods', 'milestones', 'step_size')


def kind_of(name):
    for ending in ('ParamScheduler', 'Momentum', 'LR'):
        name = name.removesuffix(ending)
    return name


NAMES = sorted(
    name
    for name in PARAM_SCHEDULERS.module_dict
    if name.endswith(('LR', 'Momentum')) and kind_of(name) != 'ReduceOnPlateau'
)


def settings(name, unit):
    """The settings of a scheduler that counts epochs, iterations, or the former as the latter."""
    options = {'type': name, 'end': EPOCHS, **OPTIONS[kind_of(name)], 'by_epoch': True}
    if unit == 'iterations':
        times = {key: options[key] for key in COUNTED if key in options}
        for key, value in times.items():
            more = [each * EPOCH for each in value] if isinstance(value, list) else value * EPOCH
            options[key] = more
        options['by_epoch'] = False
    if unit == 'converted':
        options['convert_to_iter_based'] = True
    return options


def training(*schedulers):
    """Optimizer and schedulers as a Runner has them, before the first iteration."""
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1, momentum=0.9)
    wrapper = OptimWrapper(optimizer)
    built = [
        PARAM_SCHEDULERS.build(
            dict(each), default_args={'optimizer': wrapper, 'epoch_length': EPOCH}
        )
        for each in schedulers
    ]
    return SimpleNamespace(optim_wrapper=wrapper, param_schedulers=built, iter=0, epoch=0)


def run(runner, hook, end, epoch=EPOCH):
    """The learning rate and the momentum of each iteration, by a hook as MMEngine calls it."""
    values = []
    hook.before_run(runner)
    hook.before_train(runner)
    while runner.iter < end:
        group = runner.optim_wrapper.param_groups[0]
        values.append((group['lr'], group['momentum']))
        runner.optim_wrapper.optimizer.step()
        hook.after_train_iter(runner, 0)
        runner.iter += 1
        if runner.iter % epoch == 0:
            hook.after_train_epoch(runner)
            runner.epoch += 1
    group = runner.optim_wrapper.param_groups[0]
    return [*values, (group['lr'], group['momentum'])]


def rewound(schedulers, first):
    """A training with the state that a full one has after some iterations."""
    full, short = training(*schedulers), training(*schedulers)
    run(full, ParamSchedulerHook(), first)
    short.optim_wrapper.load_state_dict(full.optim_wrapper.state_dict())
    for scheduler, of_full in zip(short.param_schedulers, full.param_schedulers):
        scheduler.load_state_dict(of_full.state_dict())
    short.iter = first
    return short


def test_all_kinds_of_mmengine_are_tried():
    assert {kind_of(name) for name in NAMES} >= {'Linear', 'OneCycle', 'Poly'}
    assert {kind_of(name) for name in NAMES} == set(OPTIONS) - {'QuadraticWarmup'}


@pytest.mark.parametrize('unit', ['epochs', 'iterations', 'converted'])
@pytest.mark.parametrize('name', [*NAMES, 'QuadraticWarmupLR'])
@pytest.mark.parametrize(
    ('first', 'end'), [(0, 15), (EPOCH, EPOCH + 20), (7, 25), (0, 60), (7, 100)]
)
def test_the_curve_is_the_full_one_at_that_pace(name, unit, first, end):
    if name == 'QuadraticWarmupLR':  # of MMDetection, so under its name there
        PARAM_SCHEDULERS.register_module(module=QuadraticWarmupLR, force=True)
    schedulers = [settings(name, unit)]
    full = run(training(*schedulers), ParamSchedulerHook(), FULL)
    assert len(set(full)) > 1
    pace = Pace(first, end, FULL, EPOCH)
    short = run(rewound(schedulers, first), PaceHook(pace), end)
    assert short == [full[pace.position(done)] for done in range(first, end + 1)]
    assert short[0] == full[first]
    assert short[-1] == full[FULL]


@given(
    first=st.integers(0, FULL - 1),
    share=st.floats(0.01, 3),
    units=st.lists(st.sampled_from(['epochs', 'iterations', 'converted']), min_size=2, max_size=2),
    kinds=st.lists(
        st.sampled_from([name for name in NAMES if 'OneCycle' not in name]), min_size=2, max_size=2
    ),
)
def test_schedulers_go_together(first, share, units, kinds):
    """Whichever multiply one value, in whichever order they come at an end of an epoch."""
    schedulers = [settings(name, unit) for name, unit in zip(kinds, units)]
    end = first + max(1, round((FULL - first) * share))
    full = run(training(*schedulers), ParamSchedulerHook(), FULL)
    pace = Pace(first, end, FULL, EPOCH)
    short = run(rewound(schedulers, first), PaceHook(pace), end)
    assert short == [full[pace.position(done)] for done in range(first, end + 1)]


def test_positions_by_hand():
    pace = Pace(first=10, end=20, full=35, epoch=5)
    assert [pace.position(done) for done in range(10, 21)] == [
        *(10, 12, 15, 17, 20, 22, 25, 27, 30, 32, 35)
    ]
    assert [pace.moved(at) for at in (0, 10, 15, 35)] == [0, 10, 12, 20]
    assert (pace.left(10), pace.left(15), pace.left(20)) == (1, 0.5, 0)
    slow = Pace(first=10, end=20, full=15, epoch=5)
    assert [slow.position(done) for done in range(10, 21)] == [
        *(10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15)
    ]
    assert [slow.moved(at) for at in (0, 10, 13, 15)] == [0, 10, 16, 20]


@pytest.mark.parametrize('resumed', [False, True])
def test_what_waits_for_validations_waits_for_fewer(resumed):
    options = {'type': 'ReduceOnPlateauLR', 'monitor': 'loss', 'patience': 4, 'cooldown': 8}
    runner = training(options)
    pace = Pace(0, FULL // 4, FULL, EPOCH)
    hook = PaceHook(pace)
    hook.before_run(runner)
    if resumed:  # from a state of its own, whose patience is that of a short training already
        runner.param_schedulers[0].patience = 1
    hook.before_train(runner)
    assert (runner.param_schedulers[0].patience, runner.param_schedulers[0].cooldown) == (1, 2)
    rates = []
    for _ in range(4):
        hook.after_val_epoch(runner, {'loss': 1.0})
        rates.append(runner.optim_wrapper.param_groups[0]['lr'])
    assert rates == pytest.approx(
        [0.1, 0.1, 0.01, 0.01]
    )  # the first is the best, two get no better


@pytest.mark.parametrize('schedulers', [[], [settings('MultiStepLR', 'epochs')]])
def test_a_linear_decay(schedulers):
    pace = Pace(20, 30, FULL, EPOCH, linear=True)
    momentum = settings('StepMomentum', 'epochs')
    runner = rewound([*schedulers, momentum], 20)
    values = run(runner, PaceHook(pace), 30)
    assert [rate for rate, _ in values] == pytest.approx(
        [0.1 * left / 10 for left in range(10, -1, -1)]
    )
    full = run(training(*schedulers, momentum), ParamSchedulerHook(), FULL)
    assert [m for _, m in values] == [full[pace.position(done)][1] for done in range(20, 31)]


def test_a_linear_decay_continues_where_it_was():
    pace = Pace(0, 15, FULL, EPOCH, linear=True)
    whole = run(training(), PaceHook(pace), 15)
    begun, resumed = training(), training()
    run(begun, PaceHook(pace), 7)
    resumed.optim_wrapper.load_state_dict(begun.optim_wrapper.state_dict())
    resumed.iter = 7
    assert run(resumed, PaceHook(pace), 15) == whole[7:]


def test_a_linear_decay_begins_at_the_maximum_of_one_cycle():
    runner = rewound([settings('OneCycleLR', 'iterations')], 2)
    values = run(runner, PaceHook(Pace(2, 12, FULL, EPOCH, linear=True)), 12)
    assert values[0][0] == pytest.approx(0.3)


def config(**changes):
    values = {'train_cfg': {'by_epoch': True, 'max_epochs': EPOCHS, 'val_interval': 1}}
    return Config({**values, **changes})


BY_ITERATION = {'train_cfg': {'type': 'IterBasedTrainLoop', 'max_iters': FULL}}


@pytest.mark.parametrize(
    ('amount', 'unit', 'first', 'changes', 'end'),
    [
        (0.25, 'share', 0, {}, 15),
        (0.25, 'share', 5, {}, 20),  # 2.75 epochs after the first: 3
        (0.25, 'share', 7, {}, 20),  # from inside an epoch to the end of one
        (0.01, 'share', 7, {}, 10),  # at the least one
        (2, 'ep', 5, {}, 15),
        (10, 'it', 5, {}, 15),
        (0.25, 'share', 0, BY_ITERATION, 15),
        (0.25, 'share', 7, BY_ITERATION, 20),
        (0.001, 'share', 7, BY_ITERATION, 8),
        (9, 'it', 7, BY_ITERATION, 16),
        (2, 'share', 0, {}, 120),
        (1.5, 'share', 7, {}, 85),  # 7 + 79.5
        (2, 'share', 7, BY_ITERATION, 113),
    ],
)
def test_ends_by_hand(amount, unit, first, changes, end):
    pace = find_pace(config(**changes), RoundLength(amount, unit, False), first, EPOCH)
    assert pace == Pace(first, end, FULL, FULL if changes else EPOCH)


def test_a_full_training_has_no_pace_of_its_own():
    assert find_pace(config(), RoundLength(12, 'ep', False), 0, EPOCH) is None
    assert find_pace(config(), RoundLength(0.99, 'share', False), 5, EPOCH) is None  # rounded
    linear = find_pace(config(), RoundLength(1, 'share', True), 5, EPOCH)
    assert linear == Pace(5, FULL, FULL, EPOCH, linear=True)


@pytest.mark.parametrize(
    ('amount', 'unit', 'first', 'changes', 'message'),
    [
        (
            13,
            'ep',
            0,
            {},
            r"='13ep' is longer than the 60 iterations from .*; give at most '12ep'",
        ),
        (12, 'ep', 5, {}, r"55 iterations from where a round starts; .* '11ep'"),
        (61, 'it', 0, BY_ITERATION, "at most '60it'"),
        (7, 'it', 0, {}, r'ends inside an epoch of 5 iterations.* whole ones; give epochs, such'),
        (2, 'ep', 0, BY_ITERATION, r"counts epochs, but the loop has none; give .*'15it'"),
        (0.5, 'share', 0, {'train_cfg': {'type': 'Mine'}}, r'max_epochs or .*max_iters; got type'),
    ],
)
def test_lengths_that_cannot_be(amount, unit, first, changes, message):
    with pytest.raises(LotteryError, match=message):
        find_pace(config(**changes), RoundLength(amount, unit, False), first, EPOCH)


def test_what_switches_at_an_epoch_does_so_at_its_place_in_the_schedule():
    given = config(
        custom_hooks=[
            {'type': 'PipelineSwitchHook', 'switch_epoch': 8},
            {'type': 'YOLOXModeSwitchHook', 'num_last_epochs': 4},
            {'type': 'EMAHook', 'begin_epoch': 4},
            {'type': 'RTMOModeSwitchHook', 'epoch_attributes': {4: {'a': 1}, 5: {'a': 2, 'b': 3}}},
        ],
        default_hooks={'ema': {'type': 'EMAHook', 'begin_iter': 20}},
        param_scheduler=[{'type': 'CosineAnnealingLR'}, {'type': 'LinearLR', 'by_epoch': False}],
    )
    given.train_cfg.update(dynamic_intervals=[(8, 2)], val_begin=4)
    pace = Pace(0, FULL // 2, FULL, EPOCH)
    short = at_pace(given, pace)
    assert short.train_cfg == {
        'by_epoch': True,
        'max_epochs': 6,
        'val_interval': 1,
        'dynamic_intervals': [(4, 2)],
        'val_begin': 2,
    }
    pipeline, mode, ema, rtmo = short.custom_hooks
    assert (pipeline.switch_epoch, mode.num_last_epochs, ema.begin_epoch) == (4, 2, 2)
    assert rtmo.epoch_attributes == {2: {'a': 2, 'b': 3}}  # both come together, the later wins
    assert short.default_hooks.ema.begin_iter == 10
    # As they are in full: a hook runs through them.
    assert [each.end for each in short.param_scheduler] == [EPOCHS, FULL]
    assert given.train_cfg.max_epochs == EPOCHS
    longer = scale_schedule(given, 2)
    assert [hook.get('begin_epoch') for hook in longer.custom_hooks] == [None, None, 8, None]
    assert longer.custom_hooks[1].num_last_epochs == 4
    assert longer.custom_hooks[3].epoch_attributes == {8: {'a': 1}, 10: {'a': 2, 'b': 3}}


def test_nothing_before_the_rewind_step_moves():
    given = config(custom_hooks=[{'type': 'PipelineSwitchHook', 'switch_epoch': 3}])
    pace = Pace(4 * EPOCH, 6 * EPOCH, FULL, EPOCH)
    assert at_pace(given, pace).custom_hooks[0].switch_epoch == 3


def test_switches_of_a_loop_without_epochs():
    given = config(
        train_cfg={**BY_ITERATION['train_cfg'], 'dynamic_intervals': [(40, 5)]},
        custom_hooks=[{'type': 'EMAHook', 'begin_iter': 20}],
        param_scheduler={'type': 'PolyLR', 'by_epoch': False},
    )
    short = at_pace(given, Pace(0, 30, FULL, FULL))
    assert short.train_cfg.max_iters == 30
    assert short.train_cfg.dynamic_intervals == [(20, 5)]
    assert short.custom_hooks[0].begin_iter == 10
    assert short.param_scheduler.end == FULL


@pytest.mark.parametrize(
    ('end', 'options', 'patience'),
    [(30, {}, 2), (30, {'patience': 9}, 4), (120, {}, 10), (5, {}, 1)],
)
def test_early_stopping_waits_for_as_much_of_the_schedule(end, options, patience):
    hook = {'type': 'EarlyStoppingHook', 'monitor': 'loss', **options}
    changed = at_pace(config(custom_hooks=[hook]), Pace(0, end, FULL, EPOCH))
    assert changed.custom_hooks[0].patience == patience
