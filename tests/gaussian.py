"""Gaussian weights in toy trainings: the config, and what they start from."""

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from toy import toy_config

BY_NOISE = {'target_sparsity': 0.75, 'rounds': 2, 'rewind': '1ep', 'score': 'signal_to_noise'}
NAMES = ('conv.weight', 'depthwise.weight', 'fc.weight')
starts = []


def gaussian_config(work_dir, hooks=(), lottery=None, **changes):
    """The toy config with Gaussian weights; without ``lottery`` an ordinary training."""
    config = toy_config(work_dir, **changes)
    config.optim_wrapper.optimizer.weight_decay = 0
    config.custom_hooks = [
        {'type': 'mmlth.BayesianHook', 'deviation': 0.1, 'temperature': 0.1},
        *hooks,
    ]
    config.pop('lottery')
    if lottery is not None:
        config.lottery = lottery
    return config


@HOOKS.register_module(force=True)
class StartSpy(Hook):
    """Notes what a training starts from."""

    priority = 'LOWEST'

    def before_train(self, runner):
        starts.append({n: t.clone() for n, t in runner.model.state_dict().items()})
