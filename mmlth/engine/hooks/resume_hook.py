"""Makes a training continue exactly where its checkpoint was taken."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import get_rank, get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, distributed, nn

from mmlth.engine.checkpoints import RESUME_KEY, plain_hub, plain_metainfo, write_whole_checkpoints
from mmlth.engine.errors import LotteryError, StoppedEarly
from mmlth.engine.evaluation import number
from mmlth.engine.models import bare_model, ema_hooks
from mmlth.engine.random_numbers import rng_state, set_rng_state
from mmlth.engine.registry import HOOKS
from mmlth.engine.training import (
    replay_switches,
    replay_validations,
    skip_trained_batches,
    validation_is_due,
    without_functions,
)


@HOOKS.register_module()
class ResumeHook(Hook):
    """Adds to MMEngine's resuming what it leaves out.

    MMEngine restores weights, optimizer, schedules and counters. This hook restores the random
    number generators of all processes, gradients that are being accumulated, the patience of early
    stopping, switches of MMPose's hooks, and the position within an epoch (MMEngine would start
    over at the first batch of the epoch that the checkpoint was taken in). It makes up for the
    validation that MMEngine skips when the checkpoint was written just before it, and lets
    checkpoints be written whole or not at all. Any training has it by
    ``custom_hooks=[dict(type='mmlth.ResumeHook')]``.

    Args:
        group: The process group by which processes tell the first one what to save; by default
            that of all.
    """

    priority = 'HIGHEST'  # the generators first: whatever another hook then draws, it drew before

    def __init__(self, group: Any = None) -> None:
        self._group = group
        self._loaded: dict[str, Any] | None = None
        self._resumed_at: int | None = None  # until the first iteration
        self._processes: list[dict[str, Any]] = []
        self._rng_of_epoch: dict[str, Any] | None = None
        self._epoch = 0, 0  # the current one, and the iterations that were done when it began
        self._rng_before_val: dict[str, Any] | None = None
        self._metrics: list[dict[str, float]] = []
        self._validated_after = -1

    def done_in_epoch(self, runner: Runner) -> int:
        """How many iterations of the current epoch are done, however long the epochs are."""
        return int(runner.iter - self._epoch[1])

    def before_train(self, runner: Runner) -> None:
        for module, buffers in zip(_with_buffers(runner), self._own().get('buffers', [])):
            for name, value in buffers.items():
                module.get_buffer(name).copy_(value)
        write_whole_checkpoints(runner, before=self.gather)

    def gather(self, runner: Runner) -> None:
        """Collects what differs between processes; only the first one writes."""
        within_val = self._rng_before_val is not None and self._validated_after != runner.iter
        now = self._rng_before_val if within_val else rng_state()
        own: dict[str, Any] = {
            'now': now,
            'epoch': self._rng_of_epoch,
            'gradients': _accumulated(runner),
            # Running statistics, which each process has its own of. The model's are the first's.
            'buffers': [
                {name: buffer.detach().cpu() for name, buffer in module.named_buffers()}
                for module in _with_buffers(runner)
                if not is_main_process()
            ],
        }
        self._processes = [own]
        if get_world_size() > 1:
            self._processes = [{} for _ in range(get_world_size())]
            gathered = self._processes if is_main_process() else None
            distributed.gather_object(own, gathered, group=self._group)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        checkpoint['param_schedulers'] = without_functions(checkpoint.get('param_schedulers'))
        # Configs, and what metainfo and metrics may hold, would be refused when it is read.
        checkpoint['meta'] = _plain(checkpoint['meta'])
        data = plain_metainfo(checkpoint['meta'].get('dataset_meta'))
        if data is not None:
            checkpoint['meta']['dataset_meta'] = data
        checkpoint['message_hub'] = _plain(plain_hub(checkpoint['message_hub']))
        processes, self._processes = self._processes, []  # there may be gradients in it
        meta, (epoch, start) = checkpoint['meta'], self._epoch
        checkpoint[RESUME_KEY] = {
            'processes': processes,
            'validated': self._validated_after == meta['iter'],
            'metrics': self._metrics,
            'epoch_start': start if meta['epoch'] == epoch else meta['iter'],
        }

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if not runner._resume or RESUME_KEY not in checkpoint:
            return
        self._loaded, self._resumed_at = checkpoint[RESUME_KEY], checkpoint['meta']['iter']
        # MMEngine compares how both are pickled, which differs for equal ones.
        data = getattr(runner.train_dataloader.dataset, 'metainfo', None)
        checkpoint['meta']['dataset_meta'] = data
        # CheckpointHook deletes by these paths, but the folder may have moved.
        info = checkpoint['message_hub']['runtime_info']
        for key in info:
            if key.startswith(('last_ckpt', 'best_ckpt')) and info[key]:
                info[key] = str(Path(runner.work_dir, Path(info[key]).name))

    def before_train_epoch(self, runner: Runner) -> None:
        self._epoch = runner.epoch, runner.iter
        self._begin(runner)
        self._rng_of_epoch = rng_state()

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        self._rng_before_val = None  # not all validation loops tell of their end
        self._begin(runner)  # nor all training loops of epochs
        self._check_counter(runner)
        self._resumed_at = None

    def before_val(self, runner: Runner) -> None:
        self._rng_before_val = rng_state()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        self._validated_after = runner.iter
        values = {name: number(value) for name, value in (metrics or {}).items()}
        self._metrics.append({name: v for name, v in values.items() if v is not None})

    def after_val(self, runner: Runner) -> None:
        self._rng_before_val = None

    def _own(self) -> dict[str, Any]:
        """What the checkpoint holds of this process."""
        processes = self._loaded['processes'] if self._loaded else []
        return processes[get_rank()] if get_rank() < len(processes) else {}

    def _begin(self, runner: Runner) -> None:
        """Continues from a checkpoint, where there is one, at the first call."""
        if self._loaded is not None:
            self._check_counter(runner)
            loaded, own = self._loaded, self._own()
            self._loaded = None
            self._continue(runner, loaded, own)

    def _check_counter(self, runner: Runner) -> None:
        if self._resumed_at not in (None, runner.iter):
            name = type(runner.train_loop).__name__
            raise LotteryError(
                f'the training loop {name} was to go on after iteration {self._resumed_at}, but is '
                f'at {runner.iter}: its run() sets the counter that MMEngine has resumed; let it '
                'begin at self._iter'
            )

    def _continue(self, runner: Runner, loaded: dict[str, Any], own: dict[str, Any]) -> None:
        length = len(runner.train_dataloader)
        self._epoch = runner.epoch, loaded.get('epoch_start', runner.epoch * length)
        if own:
            set_rng_state(own['now'])
            for name, gradient in own['gradients'].items():
                parameter = bare_model(runner).get_parameter(name)
                parameter.grad = gradient.to(parameter.device)
        self._metrics = list(loaded['metrics'])
        replay_validations(runner, self._metrics)
        replay_switches(runner)
        done = self.done_in_epoch(runner)
        if not loaded['validated'] and validation_is_due(runner, done):
            runner.val_loop.run()
        if getattr(runner.train_loop, 'stop_training', False):
            raise StoppedEarly
        skip_trained_batches(runner, done, own.get('epoch'))


def _with_buffers(runner: Runner) -> list[nn.Module]:
    return [bare_model(runner), *(hook.ema_model for hook in ema_hooks(runner))]


def _plain(value: Any) -> Any:
    """A value with plain dicts in place of configs and the like, as it would come back."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    return value


def _accumulated(runner: Runner) -> dict[str, Tensor]:
    """Gradients that wait for the rest of their accumulation; the optimizer clears all others."""
    return {
        name: parameter.grad.detach().cpu().clone()
        for name, parameter in bare_model(runner).named_parameters()
        if parameter.grad is not None
    }
