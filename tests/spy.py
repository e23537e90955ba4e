"""A hook that writes down the whole training state before chosen iterations."""

import copy
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

records: dict[str, dict[int, dict[str, Any]]] = {}
"""For each work_dir's name, for each iteration, the state seen before it."""


@HOOKS.register_module(force=True)
class SpyHook(Hook):
    """Looks after all other hooks, at the last moment before an iteration."""

    priority = 'LOWEST'

    def before_run(self, runner):
        self.name = runner.work_dir.rstrip('/').rsplit('/', 1)[-1]
        records.setdefault(self.name, {})

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        ema = next((hook for hook in runner.hooks if hasattr(hook, 'ema_model')), None)
        optimizer = runner.optim_wrapper.state_dict()
        schedulers = [copy.deepcopy(s.state_dict()) for s in runner.param_schedulers or []]
        records[self.name][runner.iter] = copy.deepcopy(
            {
                'weights': {k: v.clone() for k, v in runner.model.state_dict().items()},
                'ema': dict(ema.ema_model.state_dict()) if ema else {},
                'optimizer': optimizer,
                'schedulers': schedulers,
                'epoch': runner.epoch,
                'batch_idx': batch_idx,
                'losses': runner.message_hub.log_scalars['train/loss'].data[0].tolist()
                if 'train/loss' in runner.message_hub.log_scalars
                else [],
                'batch': data_batch['inputs'],
                'generator': torch.get_rng_state(),
            }
        )
