"""Makes a training continue exactly where its checkpoint was taken."""

import time
from collections.abc import Callable
from typing import Any

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmlth.engine.errors import LotteryError
from mmlth.engine.registry import HOOKS
from mmlth.engine.rng import rng_state, set_rng_state
from mmlth.engine.training_state import without_functions

RESUME_KEY = 'mmlth'
"""Where this hook keeps its state in a checkpoint."""


@HOOKS.register_module()
class ResumeHook(Hook):
    """Adds to MMEngine's resuming what it leaves out.

    MMEngine restores weights, optimizer, schedules and counters. This hook restores the random
    number generators and the position within an epoch (MMEngine would start over at the first
    batch of the epoch that the checkpoint was taken in), and makes up for the validation that
    MMEngine skips when the checkpoint was written just before it.
    """

    priority = 'HIGHEST'  # the generators first: whatever another hook then draws, it drew before

    def __init__(self) -> None:
        self._loaded: dict[str, Any] | None = None
        self._rng_of_epoch: dict[str, Any] | None = None
        self._validated_after = -1
        self._started = time.monotonic()
        self._seconds_before = 0.0

    @property
    def seconds(self) -> float:
        """Time spent on this round, that before an interruption included."""
        return self._seconds_before + time.monotonic() - self._started

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        checkpoint['param_schedulers'] = without_functions(checkpoint.get('param_schedulers'))
        checkpoint[RESUME_KEY] = {
            'generators': [{'now': rng_state(), 'epoch': self._rng_of_epoch}],
            'validated': self._validated_after == checkpoint['meta']['iter'],
            'seconds': self.seconds,
        }

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if runner._resume and RESUME_KEY in checkpoint:
            self._loaded = checkpoint[RESUME_KEY]
            self._seconds_before = self._loaded['seconds']

    def before_train_epoch(self, runner: Runner) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            self._continue(runner, loaded)
        self._rng_of_epoch = rng_state()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._validated_after = runner.iter

    def _continue(self, runner: Runner, loaded: dict[str, Any]) -> None:
        loop, rank = runner.train_loop, get_rank()
        # A checkpoint holds the generators of the first process only; those of the others then
        # keep the state that their seed gave them. What is skipped is the same for all.
        generators = loaded['generators'][rank] if rank < len(loaded['generators']) else None
        if generators is not None:
            set_rng_state(generators['now'])
        if not loaded['validated'] and _validation_is_due(runner):
            runner.val_loop.run()
        now = rng_state()
        if not isinstance(loop, EpochBasedTrainLoop):
            skipped = 0 if getattr(loop, 'fast_forward_on_resume', False) else runner.iter
            iterator = loop.dataloader_iterator

            def restore() -> None:
                # Newer MMEngine makes the iterator, which draws a random number, only for the
                # first batch: in the training that is continued that was long ago.
                if runner.iter > 0 and hasattr(iterator, '_ensure_iterator'):
                    iterator._ensure_iterator()
                set_rng_state(now)

            loop.dataloader_iterator = _CallBeforeBatch(iterator, skipped, restore)
            return
        done = runner.iter - runner.epoch * len(loop.dataloader)
        if not 0 <= done <= len(loop.dataloader):
            raise LotteryError(
                f'the checkpoint was taken after {runner.iter} iterations in epoch {runner.epoch}, '
                f'but an epoch has {len(loop.dataloader)} iterations now; restore the batch size, '
                'the data and the number of processes'
            )
        if done:
            if generators is not None and generators['epoch'] is not None:
                set_rng_state(generators['epoch'])
            _skip_batches(loop, done, lambda: set_rng_state(now))


def _validation_is_due(runner: Runner) -> bool:
    """Whether the loop would have validated right after the iterations that are done."""
    loop = runner.train_loop
    if runner.val_loop is None or runner.iter == 0 or not hasattr(loop, 'val_interval'):
        return False
    if isinstance(loop, EpochBasedTrainLoop):
        if runner.iter != runner.epoch * len(loop.dataloader):
            return False
        done, end = runner.epoch, loop.max_epochs
    else:
        done, end = runner.iter, loop.max_iters
    loop._decide_current_val_interval()
    return done >= loop.val_begin and (done % loop.val_interval == 0 or done == end)


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
        if idx == count - 1:
            then()
            loop.run_iter = run_iter

    loop.run_iter = skip
