"""Stops a round when a signal asks for it, with nothing lost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import all_gather_object, barrier, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmlth.engine.checkpoints import INTERRUPTED
from mmlth.engine.errors import Preempted
from mmlth.engine.machine import Preemption
from mmlth.engine.models import ema_hooks
from mmlth.ticket import write_bytes


class PreemptionHook(Hook):
    """Finishes the iteration, writes a checkpoint to continue from, and ends the process.

    Args:
        preemption: Tells whether the signal has come.
    """

    priority = 'LOWEST'  # the iteration is over when all other hooks are through

    def __init__(self, preemption: Preemption) -> None:
        self.preemption = preemption
        self._batches = 0

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if self.preemption.requested:
            self._stop(runner, {'epoch': runner.epoch, 'iter': runner.iter + 1})

    def before_val_epoch(self, runner: Runner) -> None:
        # Processes may have different numbers of batches: they ask after those that all have.
        self._batches = min(all_gather_object(len(runner.val_dataloader)))

    def after_val_iter(self, runner: Runner, batch_idx: int, *args: Any, **kwargs: Any) -> None:
        if batch_idx < self._batches and self.preemption.requested:
            for hook in ema_hooks(runner):
                hook.after_val_epoch(runner)  # puts the averages back, which are validated
            self._stop(runner, {'epoch': runner.epoch, 'iter': runner.iter})

    def _stop(self, runner: Runner, meta: Mapping[str, int]) -> None:
        runner.save_checkpoint(runner.work_dir, INTERRUPTED, meta=dict(meta), by_epoch=False)
        if is_main_process():
            path = Path(runner.work_dir, INTERRUPTED)
            write_bytes(path.with_name('last_checkpoint'), str(path).encode())
        runner.logger.warning(
            f'asked by a signal to stop: the state after {meta["iter"]} iterations is in '
            f'{runner.work_dir}; --resume (resume=True) continues from there'
        )
        barrier()  # once one has ended Slurm ends the others, and kills them 30 seconds later
        raise Preempted
