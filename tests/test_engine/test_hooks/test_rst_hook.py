"""RST in real Runners."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from toy import toy_config

from mmlth import LotteryError, load_ticket
from mmlth.engine.hooks.rst_hook import RSTHook
from mmlth.pruning import attached_mask
from mmlth.pruning.rst import random_subset

# λ: 0, 0, 0.5, 0.5, 1 … and P goes before the iteration 4 + 3 = 7 of 18.
QUICK = {'type': 'mmlth.RSTHook', 'sparsity': 0.6, 'step': 0.5, 'every': 2, 'hold': 3}
P = {'conv.weight': (8, 3, 3, 3), 'depthwise.weight': (8, 1, 3, 3), 'fc.weight': (2, 8)}


@HOOKS.register_module(force=True)
class WatchWeights(Hook):
    """Notes the weights before each iteration, and what it trained on."""

    priority = 'LOWEST'

    def __init__(self):
        self.before, self.after = [], []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.before.append(copied(runner))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.after.append(copied(runner))


def copied(runner):
    return {name: w.detach().clone() for name, w in runner.model.named_parameters()}


def training(work_dir, hook=QUICK, hooks=(), **changes):
    config = toy_config(work_dir, **changes)
    config.pop('lottery')
    config.custom_hooks = [hook, {'type': 'WatchWeights'}, *hooks]
    return Runner.from_cfg(config)


def train(*args, **kwargs):
    runner = training(*args, **kwargs)
    runner.train()
    return runner


def watch(runner):
    return next(hook for hook in runner.hooks if isinstance(hook, WatchWeights))


def subset():
    return random_subset({name: torch.zeros(shape) for name, shape in P.items()}, 0.6)


def test_the_penalty_by_hand(tmp_path, monkeypatch):
    """Plain SGD: in P a step goes further by lr · λ · w, elsewhere it is what it always was."""
    seen = {}
    for name, strength in (('with', 0.5), ('without', 0.0)):
        config = toy_config(tmp_path / name)
        config.pop('lottery')
        config.param_scheduler = None
        config.optim_wrapper = {'optimizer': {'type': 'SGD', 'lr': 0.25}, 'type': 'OptimWrapper'}
        config.custom_hooks = [{'type': 'WatchWeights'}, {**QUICK, 'every': 1}]
        with monkeypatch.context() as patch:
            if not strength:
                patch.setattr(RSTHook, '_penalise', lambda *args: None)
            runner = Runner.from_cfg(config)
            runner.train()
        seen[name] = watch(runner)
    # λ is 0 in the first iteration, so both are at the same place before the second one.
    before = seen['with'].before[1]
    assert all(torch.equal(w, seen['without'].before[1][name]) for name, w in before.items())
    for name, kept in subset().items():
        further = seen['without'].after[1][name] - seen['with'].after[1][name]
        assert torch.allclose(further[~kept], 0.25 * 0.5 * before[name][~kept], atol=1e-6)
        assert not further[kept].any()
        assert before[name][~kept].any()
    for name in before.keys() - subset().keys():
        assert torch.equal(seen['with'].after[1][name], seen['without'].after[1][name])


@pytest.mark.parametrize('hooks', [(), [{'type': 'EMAHook', 'momentum': 0.3}]], ids=['', 'ema'])
def test_the_subset_goes_when_it_is_time_and_stays_away(tmp_path, hooks):
    runner = train(tmp_path, hooks=[*hooks, {'type': 'mmlth.TicketSaver'}])
    seen, mask = watch(runner), subset()
    assert attached_mask(runner.model) == mask
    for name, kept in mask.items():
        assert all(weights[name][~kept].any() for weights in seen.after[:7])
        assert not any(weights[name][~kept].any() for weights in seen.after[7:])
    counts = {name: int((~kept).sum()) for name, kept in mask.items()}
    assert counts == {'conv.weight': 130, 'depthwise.weight': 43, 'fc.weight': 10}
    # The model is dense until P goes: its tickets say so.
    assert load_ticket(tmp_path / 'epoch_1.safetensors').mask.sparsity == 0
    last = load_ticket(tmp_path / 'epoch_3.safetensors')
    assert last.mask == mask
    saved = torch.load(tmp_path / 'epoch_3.pth', weights_only=False)
    assert not any(saved['state_dict'][name][~kept].any() for name, kept in mask.items())
    assert all(torch.equal(last.weights[name], w) for name, w in saved['state_dict'].items())


@pytest.mark.parametrize('hooks', [(), [{'type': 'EMAHook', 'momentum': 0.3}]], ids=['', 'ema'])
@pytest.mark.parametrize('epoch', [1, 2])
def test_resumed_it_ends_the_same(tmp_path, epoch, hooks):
    """Before P goes (after epoch 1) and afterwards; the ResumeHook has the random numbers."""
    hooks = [*hooks, {'type': 'mmlth.ResumeHook'}]
    whole = train(tmp_path / 'whole', hooks=hooks)
    path = tmp_path / f'whole/epoch_{epoch}.pth'
    changes = {'resume': True, 'load_from': f'mmlth-resume:{path}'}
    resumed = train(tmp_path / 'resumed', hooks=hooks, **changes)
    assert resumed.iter == whole.iter == 18
    expected = whole.model.state_dict()
    assert all(torch.equal(t, expected[name]) for name, t in resumed.model.state_dict().items())


def test_moments_of_the_subset_are_zero(tmp_path):
    runner = train(tmp_path)
    state = runner.optim_wrapper.optimizer.state
    for name, kept in subset().items():
        moments = state[runner.model.get_parameter(name)]['momentum_buffer']
        assert not moments[~kept].any()


def test_targets_and_seed(tmp_path):
    hook = {**QUICK, 'targets': {'exclude': 'fc'}, 'seed': 5}
    runner = train(tmp_path, hook)
    mask = attached_mask(runner.model)
    assert list(mask) == ['conv.weight', 'depthwise.weight']
    assert not torch.equal(mask['conv.weight'], subset()['conv.weight'])


def test_accumulated_gradients_get_it_once_a_step(tmp_path, monkeypatch):
    times = []
    original = RSTHook._penalise

    def noted(self, runner, *args):
        times.append(runner.iter)
        original(self, runner, *args)

    monkeypatch.setattr(RSTHook, '_penalise', noted)
    train(tmp_path, **{'optim_wrapper.accumulative_counts': 3})
    assert times == [2, 5, 8, 11, 14, 17]


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'sparsity': 1}, r'RSTHook\.sparsity must lie between 0 and 1, got 1'),
        ({'step': 0}, r'RSTHook\.step must be a positive number'),
        ({'every': 0}, r'RSTHook\.every must be a whole number of at least 1'),
        ({'hold': -1}, r'RSTHook\.hold must be a whole number of at least 0'),
        ({'targets': {'includ': 'x'}}, r'unknown key lottery\.targets\.includ'),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(LotteryError, match=message):
        RSTHook(**{**{k: v for k, v in QUICK.items() if k != 'type'}, **options})


def test_a_training_that_is_too_short(tmp_path):
    with pytest.raises(LotteryError, match='prunes after 18 iterations, but training takes 18'):
        train(tmp_path, {**QUICK, 'hold': 14})
