"""Law 3 on real Runners: clipping, accumulation, averaging of every kind, at each step."""

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from toy import toy_config

from mmlth.pruning import attached_mask

checked: list[str] = []


@HOOKS.register_module(force=True)
class ZeroCheckHook(Hook):
    """Fails at once where a pruned weight, gradient, moment or average is not zero."""

    priority = 'LOWEST'

    def before_train(self, runner):
        # MMEngine drops the gradients right after the step, so they are looked at just before.
        runner.optim_wrapper.optimizer.register_step_pre_hook(lambda *_: self._check(runner))

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self._check(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._check(runner)

    def after_val_epoch(self, runner, metrics=None):
        self._check(runner)

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


SGD = {'type': 'SGD', 'lr': 0.1, 'momentum': 0.9, 'weight_decay': 0.1}
ADAMW = {'type': 'AdamW', 'lr': 0.01, 'weight_decay': 0.1}
CASES = {
    'plain': ({'type': 'OptimWrapper', 'optimizer': SGD}, None),
    'clipped': ({'type': 'OptimWrapper', 'optimizer': SGD, 'clip_grad': {'max_norm': 0.1}}, None),
    'accumulating': ({'type': 'OptimWrapper', 'optimizer': ADAMW, 'accumulative_counts': 3}, None),
    'EMA': ({'type': 'OptimWrapper', 'optimizer': ADAMW}, {'ema_type': 'ExponentialMovingAverage'}),
    'SWA': ({'type': 'OptimWrapper', 'optimizer': SGD}, {'ema_type': 'StochasticWeightAverage'}),
    'annealed': (
        {'type': 'OptimWrapper', 'optimizer': SGD},
        {'ema_type': 'MomentumAnnealingEMA', 'update_buffers': True, 'begin_epoch': 2},
    ),
}


@pytest.mark.parametrize('case', CASES)
def test_pruned_is_zero_at_every_step(tmp_path, case):
    wrapper, ema = CASES[case]
    config = toy_config(tmp_path)
    config.optim_wrapper = wrapper
    config.custom_hooks = [{'type': 'ZeroCheckHook'}]
    if ema:
        config.custom_hooks.insert(0, {'type': 'EMAHook', **ema})
    checked.clear()
    Runner.from_cfg(config).train()
    assert {'weight', 'gradient'} <= set(checked)
    assert ('average' in checked) == bool(ema)
    assert {'momentum_buffer', 'exp_avg'} & set(checked)
