"""Makes a training continue exactly where its checkpoint was taken."""

import time
from collections.abc import Callable
from typing import Any

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmlth.engine.registry import HOOKS
from mmlth.engine.rng import rng_state, set_rng_state
from mmlth.engine.training_state import without_functions

RESUME_KEY = 'mmlth'
"""Where this hook keeps its state in a checkpoint."""


@HOOKS.register_module()
class ResumeHook(Hook):
    """Adds to MMEngine's resuming what it leaves out.

    MMEngine restores weights, optimizer, schedules and counters. This hook restores the random
    number generators, and the position within an epoch: MMEngine would start an epoch-based loop
    at the first batch of the epoch whose middle the checkpoint was taken in.
    """

    priority = 'HIGHEST'  # the generators first: whatever another hook then draws, it drew before

    def __init__(self) -> None:
        self._loaded: dict[str, Any] | None = None
        self._rng_of_epoch: dict[str, Any] | None = None
        self._started = time.monotonic()
        self._seconds_before = 0.0

    @property
    def seconds(self) -> float:
        """Time spent on this round, that before an interruption included."""
        return self._seconds_before + time.monotonic() - self._started

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if 'param_schedulers' in checkpoint:
            checkpoint['param_schedulers'] = without_functions(checkpoint['param_schedulers'])
        generators = [{'now': rng_state(), 'epoch': self._rng_of_epoch}]
        checkpoint[RESUME_KEY] = {'generators': generators, 'seconds': self.seconds}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if runner._resume and RESUME_KEY in checkpoint:
            self._loaded = checkpoint[RESUME_KEY]
            self._seconds_before = self._loaded['seconds']

    def before_train_epoch(self, runner: Runner) -> None:
        loaded, self._loaded = self._loaded, None
        # A checkpoint holds the generators of the first process only; those of the others then
        # keep the state that their seed gave them.
        if loaded is not None and get_rank() < len(loaded['generators']):
            self._continue(runner, loaded['generators'][get_rank()])
        self._rng_of_epoch = rng_state()

    def _continue(self, runner: Runner, generators: dict[str, Any]) -> None:
        loop = runner.train_loop

        def restore() -> None:
            set_rng_state(generators['now'])

        if not isinstance(loop, EpochBasedTrainLoop):
            loop.dataloader_iterator = _CallBeforeBatch(
                loop.dataloader_iterator, runner.iter, restore
            )
            return
        done = runner.iter - runner.epoch * len(loop.dataloader)
        if done <= 0:
            restore()
            return
        if generators['epoch'] is not None:
            set_rng_state(generators['epoch'])
        _skip_batches(loop, done, restore)


class _CallBeforeBatch:
    """An iterator that makes one call just before it draws batch ``index``."""

    def __init__(self, iterator: Any, index: int, call: Callable[[], None]) -> None:
        self._iterator = iterator
        self._left = index
        self._call: Callable[[], None] | None = call

    def __iter__(self) -> '_CallBeforeBatch':
        return self

    def __next__(self) -> Any:
        if self._left == 0 and self._call is not None:
            self._call()
            self._call = None
        self._left -= 1
        return next(self._iterator)

    def skip_iter(self, count: int) -> None:
        """Newer MMEngine skips trained batches by this call rather than by drawing them."""
        self._iterator.skip_iter(count)
        self._left -= count


def _skip_batches(loop: EpochBasedTrainLoop, count: int, then: Callable[[], None]) -> None:
    """Lets the loop draw and drop the first ``count`` batches of its next epoch."""
    run_iter = loop.run_iter

    def skip(idx: int, data_batch: Any) -> None:
        if idx < count - 1:
            return
        if idx == count - 1:
            then()
            return
        loop.run_iter = run_iter
        run_iter(idx, data_batch)

    loop.run_iter = skip
