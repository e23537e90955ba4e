"""Law 3 on real Runners: clipping, accumulation, AMP, averaging of every kind, at each step."""

import functools

import mmdet.models.layers  # noqa: F401  has an average of its own
import mmpose.engine.hooks  # noqa: F401  likewise
import pytest
import torch
from kit import ticket_of
from mmengine.hooks import Hook
from mmengine.optim.optimizer import amp_optimizer_wrapper
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import Runner
from toy import ToyModel, toy_config

from mmlth.pruning import attached_mask
from mmlth.ticket import load_rewind_weights

checked: list[str] = []


@HOOKS.register_module(force=True)
class ZeroCheckHook(Hook):
    """Fails at once where a pruned weight, gradient, moment or average is not zero."""

    priority = 'LOWEST'

    def before_train(self, runner):
        # MMEngine drops the gradients right after the step, so they are looked at just before.
        check = torch.compiler.disable(functools.partial(self._check, runner))
        runner.optim_wrapper.optimizer.register_step_pre_hook(lambda *_: check())
        if runner.optim_wrapper.clip_grad_kwargs:
            clip = functools.partial(self._clip, runner, runner.optim_wrapper.clip_func)
            runner.optim_wrapper.clip_func = torch.compiler.disable(clip)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self._check(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._check(runner)

    def after_val_epoch(self, runner, metrics=None):
        self._check(runner)

    def _clip(self, runner, clip, *args, **kwargs):
        mask = attached_mask(runner.model)
        survivors = torch.cat(
            [
                p.grad[mask[name].to(p.device)] if name in mask else p.grad.flatten()
                for name, p in runner.model.named_parameters()
                if p.grad is not None
            ]
        ).norm()
        norm = clip(*args, **kwargs)
        torch.testing.assert_close(norm, survivors)
        checked.append('norm')
        return norm

    def _check(self, runner):
        mask = attached_mask(runner.model)
        parameters = dict(runner.model.named_parameters())
        ema = next((h.ema_model for h in runner.hooks if hasattr(h, 'ema_model')), None)
        for name, kept in mask.items():
            parameter = parameters[name]
            values = {'weight': parameter.detach(), 'gradient': parameter.grad}
            values.update(runner.optim_wrapper.optimizer.state.get(parameter, {}))
            if ema is not None:
                values['average'] = ema.module.state_dict()[name]
            for what, value in values.items():
                if isinstance(value, torch.Tensor) and value.shape == kept.shape:
                    assert not value[~kept].any(), (what, name)
                    checked.append(what)


@HOOKS.register_module(force=True)
class ChannelsLastHook(Hook):
    """MMEngine has no key for it; training scripts convert the model themselves."""

    def before_run(self, runner):
        runner.model.to(memory_format=torch.channels_last)


@MODELS.register_module(force=True)
class SyncedToyModel(ToyModel):
    """As in configs that name SyncBN; MMEngine turns it into BN where one process trains."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = torch.nn.SyncBatchNorm(8)


SGD = {'type': 'SGD', 'lr': 0.1, 'momentum': 0.9, 'weight_decay': 0.1}
ADAMW = {'type': 'AdamW', 'lr': 0.01, 'weight_decay': 0.1}
PLAIN = {'type': 'OptimWrapper', 'optimizer': SGD}
CLIPPED = {**PLAIN, 'clip_grad': {'max_norm': 0.1}}
ACCUMULATING = {**CLIPPED, 'optimizer': ADAMW, 'accumulative_counts': 3}
AMP = {**CLIPPED, 'type': 'AmpOptimWrapper', 'dtype': 'bfloat16'}


def averaging(kind, wrapper=PLAIN, **options):
    return {'optim_wrapper': wrapper, 'hook': {'type': 'EMAHook', 'ema_type': kind, **options}}


CASES = {
    'plain': {'optim_wrapper': PLAIN},
    'clipped': {'optim_wrapper': CLIPPED},
    'accumulating': {'optim_wrapper': ACCUMULATING},
    'AMP': {'optim_wrapper': AMP},
    'AMP, accumulating': {'optim_wrapper': {**AMP, 'accumulative_counts': 2}},
    'EMA': averaging('ExponentialMovingAverage', {**PLAIN, 'optimizer': ADAMW}),
    'SWA': averaging('StochasticWeightAverage'),
    'annealed': averaging('MomentumAnnealingEMA', update_buffers=True, begin_epoch=2),
    'EMA of mmdet': averaging('mmdet.ExpMomentumEMA', CLIPPED, update_buffers=True),
    'EMA of mmpose': averaging('mmpose.ExpMomentumEMA', ACCUMULATING),
    # Not 'conv', too: MMEngine checkpoints such that a first layer gets no gradient at all.
    'checkpointing': {'optim_wrapper': CLIPPED, 'activation_checkpointing': ['depthwise']},
    'compiled': {'optim_wrapper': CLIPPED, 'compile': {'backend': 'eager'}},
    'channels last': {'optim_wrapper': CLIPPED, 'hook': {'type': 'ChannelsLastHook'}},
    'SyncBN': {'optim_wrapper': CLIPPED, 'model': {'type': 'SyncedToyModel'}},
}


@pytest.mark.parametrize('case', CASES)
def test_pruned_is_zero_at_every_step(tmp_path, monkeypatch, case):
    changes = dict(CASES[case])
    hook = changes.pop('hook', None)
    config = toy_config(tmp_path)
    config.lottery.update(target_sparsity=0.5, rounds=1)
    config.custom_hooks = [{'type': 'ZeroCheckHook'}]
    if hook:
        config.custom_hooks.insert(0, hook)
    for key, value in changes.items():
        config[key] = value
    if changes['optim_wrapper']['type'] == 'AmpOptimWrapper':
        pretend_that_amp_runs_on_the_cpu(monkeypatch)
    averaged = bool(hook and 'ema_type' in hook)
    checked.clear()
    runner = Runner.from_cfg(config)
    runner.train()
    assert {'weight', 'gradient'} <= set(checked)
    assert ('average' in checked) == averaged
    assert ('norm' in checked) == ('clip_grad' in changes['optim_wrapper'])
    assert {'momentum_buffer', 'exp_avg'} & set(checked)
    check_files(tmp_path, averaged)
    # The very same predictions from a stock model.
    stock = MODELS.build(config.model).eval()
    stock.load_state_dict(ticket_of(tmp_path, 1).state_dict())
    images = torch.randn(4, 3, 6, 6)
    assert torch.equal(stock(images), runner.model.eval()(images))


def check_files(work_dir, averaged):
    """Zero in what is saved, and the survivors have moved."""
    ticket = ticket_of(work_dir, 1)
    rewound = load_rewind_weights(work_dir / 'rewind.safetensors')
    saved = torch.load(work_dir / 'round_01/epoch_3.pth', weights_only=False)
    assert ('ema_state_dict' in saved) == averaged
    for name, kept in ticket.mask.items():
        assert not ticket.weights[name][~kept].any()
        assert not saved['state_dict'][name][~kept].any()
        assert (ticket.weights[name] != rewound[name])[kept].any()
        if averaged:
            assert not saved['ema_state_dict'][f'module.{name}'][~kept].any()


def pretend_that_amp_runs_on_the_cpu(monkeypatch):
    """torch's scaler and autocast do; MMEngine asks for another device."""
    scaler = functools.partial(torch.amp.GradScaler, 'cpu')
    monkeypatch.setattr(amp_optimizer_wrapper, 'is_cuda_available', lambda: True)
    monkeypatch.setattr(amp_optimizer_wrapper, 'GradScaler', scaler)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='float16 with a loss scale needs a GPU')
def test_float16_with_a_loss_scale(tmp_path):
    config = toy_config(tmp_path)
    config.optim_wrapper = {**AMP, 'dtype': 'float16', 'loss_scale': 'dynamic'}
    config.custom_hooks = [{'type': 'ZeroCheckHook'}]
    checked.clear()
    Runner.from_cfg(config).train()
    assert {'weight', 'gradient', 'norm', 'momentum_buffer'} <= set(checked)
    check_files(tmp_path, averaged=False)
