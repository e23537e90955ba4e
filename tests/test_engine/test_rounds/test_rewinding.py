"""Law 2: rewinding is real."""

import hashlib

import pytest
import spy
import torch
from kit import search_by, ticket_of
from mmengine.runner import Runner
from toy import ITERATIONS_PER_EPOCH, toy_config

from mmlth.ticket import load_rewind_weights

EMA = {'type': 'EMAHook', 'momentum': 0.3, 'update_buffers': True}


def search(work_dir, iterations=False, rewind='1ep', hooks=(EMA,), what='weights', **changes):
    spy.records.clear()
    config = toy_config(work_dir, iterations, **changes)
    config.lottery.update(rewind=rewind, rewind_what=what)
    config.custom_hooks = [*hooks, {'type': 'SpyHook'}]
    state = search_by(config)
    return spy.records, state


def assert_equal(a, b, path=''):
    if isinstance(a, dict):
        assert a.keys() == b.keys(), path
        for key in a:
            assert_equal(a[key], b[key], f'{path}.{key}')
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), path
        for index, (x, y) in enumerate(zip(a, b)):
            assert_equal(x, y, f'{path}[{index}]')
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b), path
    elif not callable(a):
        assert a == b, path


def masked_state(state, mask):
    """What a round must start from, computed from the state that round 0 was seen in."""
    names = list(state['weights'])
    parameters = [n for n in names if 'running' not in n and 'num_batches' not in n]
    expected = {**state, 'weights': dict(state['weights']), 'ema': dict(state['ema'])}
    moments = {index: dict(entry) for index, entry in state['optimizer']['state'].items()}
    for name, kept in mask.items():
        expected['weights'][name] = torch.where(kept, state['weights'][name], 0)
        if expected['ema']:
            expected['ema'][f'module.{name}'] = torch.where(kept, state['ema'][f'module.{name}'], 0)
        entry = moments.get(parameters.index(name), {})
        for key, value in entry.items():
            if isinstance(value, torch.Tensor) and value.shape == kept.shape:
                entry[key] = torch.where(kept, value, 0)
    expected['optimizer'] = {**state['optimizer'], 'state': moments}
    return expected


@pytest.mark.parametrize(
    ('iterations', 'rewind', 'step'),
    [
        (False, '1ep', ITERATIONS_PER_EPOCH),
        (False, '0', 0),
        (False, '8it', 8),  # inside an epoch
        (True, '0', 0),
        (True, '4it', 4),
        (True, '6it', 6),  # right after a validation
    ],
)
def test_each_round_starts_from_the_masked_state_of_step_k(tmp_path, iterations, rewind, step):
    records, state = search(tmp_path, iterations, rewind)
    assert state['rewind']['iteration'] == step
    for index in (1, 2):
        seen = records[f'round_{index:02d}']
        assert min(seen) == step
        assert max(seen) == 3 * ITERATIONS_PER_EPOCH - 1
        mask = ticket_of(tmp_path, index).mask
        # Batch, position in the epoch and random numbers included: the very same iteration.
        assert_equal(seen[step], masked_state(records['round_00'][step], mask))


def test_rewind_weights_are_a_copy_on_disk_that_never_changes(tmp_path):
    records, state = search(tmp_path)
    stored = load_rewind_weights(tmp_path / 'rewind.safetensors')
    seen = records['round_00'][ITERATIONS_PER_EPOCH]['weights']
    assert_equal(stored, seen)
    last = ticket_of(tmp_path, 0).state_dict()
    assert not torch.equal(stored['conv.weight'], last['conv.weight'])
    digest = hashlib.sha256((tmp_path / 'rewind.safetensors').read_bytes()).hexdigest()
    assert digest == state['rewind']['sha256']


def test_without_an_averaging_hook_weights_are_stored_once(tmp_path):
    search(tmp_path, hooks=())
    # 8 tensors of weights, as many of momentum; an extra copy would show.
    weights = sum(
        t.numel() * t.element_size()
        for t in load_rewind_weights(tmp_path / 'rewind.safetensors').values()
    )
    generators = 2 * 8 * 1024 + 2 * 8 * 1024  # torch's and NumPy's, now and of the epoch's start
    assert (tmp_path / 'rewind.safetensors').stat().st_size < 2 * weights + generators + 20_000


SCHEDULERS = [
    {'type': 'ConstantLR', 'factor': 0.5, 'begin': 0, 'end': 10},
    {'type': 'CosineAnnealingLR', 'T_max': 18},
    {'type': 'CosineRestartLR', 'periods': [9, 9], 'restart_weights': [1, 0.5], 'eta_min': 0.001},
    {'type': 'ExponentialLR', 'gamma': 0.9},
    {'type': 'LinearLR', 'start_factor': 0.1, 'end': 12},
    {'type': 'MultiStepLR', 'milestones': [8, 12], 'gamma': 0.1},
    {'type': 'OneCycleLR', 'eta_max': 0.2, 'total_steps': 18},
    {'type': 'PolyLR', 'power': 2, 'eta_min': 0.001, 'end': 18},
    {'type': 'StepLR', 'step_size': 5},
    {'type': 'LinearMomentum', 'start_factor': 0.5, 'end': 12},
    {'type': 'ReduceOnPlateauLR', 'monitor': 'toy/accuracy', 'rule': 'greater', 'patience': 0},
    {'type': 'LinearLR', 'start_factor': 0.1, 'end': 2, 'by_epoch': True},
    {'type': 'CosineAnnealingLR', 'T_max': 3, 'by_epoch': True, 'convert_to_iter_based': True},
]


@pytest.mark.parametrize('scheduler', SCHEDULERS, ids=lambda s: s['type'])
def test_every_kind_of_schedule_continues_from_step_k(tmp_path, scheduler):
    by_epoch = scheduler.get('by_epoch', scheduler['type'].startswith('ReduceOnPlateau'))
    config = toy_config(tmp_path)
    config.param_scheduler = [{**scheduler, 'by_epoch': by_epoch}]
    config.custom_hooks = [{'type': 'SpyHook'}]
    config.lottery.rounds = 1
    spy.records.clear()
    Runner.from_cfg(config).train()
    first, second = spy.records['round_00'], spy.records['round_01']
    for iteration in (6, 7):
        rates = [
            [
                (group['lr'], group['momentum'])
                for group in seen[iteration]['optimizer']['param_groups']
            ]
            for seen in (first, second)
        ]
        assert rates[0] == rates[1]
    assert_equal(first[6]['schedulers'], second[6]['schedulers'])


def test_a_rewind_step_at_the_end_of_the_first_epoch_sees_its_validation(tmp_path):
    # ReduceOnPlateau has its state from the validation, which comes after the epoch's last hook.
    changes = {
        'param_scheduler': [
            {'type': 'ReduceOnPlateauLR', 'monitor': 'toy/accuracy', 'rule': 'less', 'patience': 0}
        ]
    }
    records, _ = search(tmp_path, **changes)
    assert records['round_01'][6]['schedulers'][0]['best'] > 0


def test_learning_rate_rewinding_keeps_the_trained_weights(tmp_path):
    records, _ = search(tmp_path, what='learning_rate')
    first, second = records['round_00'][6], records['round_01'][6]
    ticket = ticket_of(tmp_path, 0)
    mask = ticket_of(tmp_path, 1).mask
    for name, weight in second['weights'].items():
        trained = ticket.state_dict()[name]
        assert torch.equal(weight, trained * mask[name] if name in mask else trained), name
        assert torch.equal(second['ema'][f'module.{name}'], weight)
    assert second['optimizer']['state'] == {}
    assert_equal(first['optimizer']['param_groups'], second['optimizer']['param_groups'])
    assert_equal(first['schedulers'], second['schedulers'])
    assert first['epoch'] == second['epoch']


def test_fine_tuning_stays_at_the_last_learning_rate(tmp_path):
    records, state = search(tmp_path, what='nothing')
    last = state['rounds'][0]['learning_rates'][0][0]
    assert last < 0.01  # of a schedule that starts at 0.1
    for seen in records['round_01'].values():
        assert [group['lr'] for group in seen['optimizer']['param_groups']] == [last]
    ticket = ticket_of(tmp_path, 0)
    mask = ticket_of(tmp_path, 1).mask
    kept = mask['conv.weight']
    started = records['round_01'][6]['weights']['conv.weight']
    assert torch.equal(started, ticket.state_dict()['conv.weight'] * kept)


def test_reinitialisation_starts_from_other_weights_in_full(tmp_path):
    records, _ = search(tmp_path, what='reinit')
    assert min(records['round_01']) == 0
    first = records['round_00'][0]['weights']['conv.weight']
    kept = ticket_of(tmp_path, 1).mask['conv.weight']
    again = records['round_01'][0]['weights']['conv.weight']
    assert not again[~kept].any()
    assert not (first == again)[kept].any()
    assert records['round_01'][0]['optimizer']['state'] == {}


def test_a_tampered_rewind_file_is_an_error(tmp_path):
    from mmengine.hooks import Hook
    from mmengine.registry import HOOKS

    @HOOKS.register_module(name='TamperHook', force=True)
    class TamperHook(Hook):
        def after_train(self, runner):
            with (tmp_path / 'rewind.safetensors').open('r+b') as file:
                if 'round_01' in runner.work_dir:
                    file.seek(-1, 2)
                    file.write(b'?')

    with pytest.raises(ValueError, match='not the file that round 0 wrote'):
        search(tmp_path, hooks=({'type': 'TamperHook'},))


@pytest.mark.parametrize('hooks', [(), (EMA,)], ids=['plain', 'averaged'])
@pytest.mark.parametrize(('rewind', 'step'), [('0', 0), ('1ep', 6), ('8it', 8)])
def test_a_round_in_full_takes_the_weights_of_step_k_and_nothing_else(
    tmp_path, hooks, rewind, step
):
    records, state = search(
        tmp_path, rewind=rewind, hooks=hooks, **{'lottery.after_rewind': 'full'}
    )
    assert state['rewind']['iteration'] == step
    first = records['round_00']
    for index in (1, 2):
        seen = records[f'round_{index:02d}']
        assert (min(seen), max(seen)) == (0, 17)
        mask = ticket_of(tmp_path, index).mask
        begun, dense = seen[0], first[0]
        for name, theta in first[step]['weights'].items():
            expected = torch.where(mask[name], theta, 0) if name in mask else theta
            assert torch.equal(begun['weights'][name], expected), name
            if hooks:
                assert torch.equal(begun['ema'][f'module.{name}'], expected), name
        # Optimizer, schedule, epoch and order of the data are those that a training begins with.
        assert begun['optimizer']['state'] == {}
        for key in ('schedulers', 'epoch', 'batch_idx', 'losses', 'batch'):
            assert_equal(begun[key], dense[key], key)
        assert begun['optimizer']['param_groups'] == dense['optimizer']['param_groups']


def test_learning_rate_rewinding_in_full(tmp_path):
    records, _ = search(tmp_path, what='learning_rate', **{'lottery.after_rewind': 'full'})
    mask = ticket_of(tmp_path, 1).mask
    for name, trained in ticket_of(tmp_path, 0).weights.items():
        expected = torch.where(mask[name], trained, 0) if name in mask else trained
        assert torch.equal(records['round_01'][0]['weights'][name], expected), name


@pytest.mark.parametrize('checkpoints', ['mmengine', 'tickets'])
def test_rewinding_to_the_best_dense_weights(tmp_path, checkpoints):
    changes = {
        'default_hooks.checkpoint.save_best': 'toy/accuracy',
        'default_hooks.checkpoint.rule': 'less',  # so that the best are not the last ones
        'lottery.checkpoints': checkpoints,
    }
    records, state = search(tmp_path, rewind='best', **changes)
    assert state['rewind']['after'] == 'full'
    names = [path.stem for path in (tmp_path / 'round_00').glob('best_*')]
    assert len(names) == 1
    epoch = int(names[0].rsplit('_', 1)[1])
    if epoch < 3:  # what the next epoch began with are the weights that were validated
        best = records['round_00'][epoch * ITERATIONS_PER_EPOCH]['ema']
    else:
        best = {f'module.{n}': w for n, w in ticket_of(tmp_path, 0).weights.items()}
    for index in (1, 2):
        seen = records[f'round_{index:02d}']
        assert (min(seen), max(seen)) == (0, 17)
        mask = ticket_of(tmp_path, index).mask
        for name, weight in seen[0]['weights'].items():
            theta = best[f'module.{name}']
            expected = torch.where(mask[name], theta, 0) if name in mask else theta
            assert torch.equal(weight, expected), name


@pytest.mark.parametrize(
    ('lottery', 'message'),
    [
        ({'rewind': 'best'}, "set default_hooks.checkpoint.save_best='auto'"),
        ({'rewind': 'best', 'rewind_what': 'learning_rate'}, 'starts elsewhere'),
        ({'rewind': 'best', 'rewind_what': 'nothing'}, 'is no step of the schedule'),
        ({'rewind': 'best', 'after_rewind': 'continue'}, 'no place in the schedule'),
        ({'rewind_what': 'nothing', 'after_rewind': 'full'}, 'keep one of them'),
        ({'after_rewind': 'ful'}, 'must be one of continue, full'),
        ({'rewind': 'worst'}, "or 'best', got 'worst'"),
    ],
)
def test_what_does_not_go_together(tmp_path, lottery, message):
    config = toy_config(tmp_path)
    config.lottery.update(lottery)
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(config).train()
    assert not (tmp_path / 'search.json').exists()
    assert not (tmp_path / 'round_00').exists()
