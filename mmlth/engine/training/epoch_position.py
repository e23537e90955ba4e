"""The position within an epoch: what MMEngine forgets when it resumes a training."""

from collections.abc import Callable
from typing import Any

from mmengine.runner import EpochBasedTrainLoop, Runner

from mmlth.engine.errors import LotteryError
from mmlth.engine.random_numbers import rng_state, set_rng_state


def validation_is_due(runner: Runner, done: int) -> bool:
    """Whether the loop would have validated right after the iterations that are done.

    Args:
        runner: A Runner at the start of an epoch.
        done: Number of iterations of this epoch that are done.
    """
    loop = runner.train_loop
    if runner.val_loop is None or runner.iter == 0 or not hasattr(loop, 'val_interval'):
        return False
    if isinstance(loop, EpochBasedTrainLoop):
        if done:
            return False
        count, end = runner.epoch, loop.max_epochs
    else:
        count, end = runner.iter, loop.max_iters
    if hasattr(loop, '_decide_current_val_interval'):
        loop._decide_current_val_interval()
    begin, interval = getattr(loop, 'val_begin', 1), loop.val_interval
    return bool(interval) and count >= begin and (count % interval == 0 or count == end)


def skip_trained_batches(runner: Runner, done: int, rng_of_epoch: dict[str, Any] | None) -> None:
    """Lets the loop draw and drop the batches that it has trained on, then restores the generators.

    Of loops that MMEngine has not written, what they do with their data is not known: they begin
    with their first batch.

    Args:
        runner: A Runner at the start of an epoch, its generators as they are to be afterwards.
        done: Number of iterations of this epoch that are done.
        rng_of_epoch: The generators as they were when the epoch began, from which the same
            batches are drawn again.

    Raises:
        LotteryError: If an epoch has another length than when the checkpoint was taken.
    """
    loop, now = runner.train_loop, rng_state()
    if not isinstance(loop, EpochBasedTrainLoop):
        if hasattr(loop, 'dataloader_iterator'):
            _restore_after_fast_forward(runner, loop, now)
        elif runner.iter:
            runner.logger.warning(
                f'{type(loop).__name__} is a training loop of its own kind: it goes on after '
                f'iteration {runner.iter}, but with the first batch of its data'
            )
        return
    if not 0 <= done <= len(loop.dataloader):
        raise LotteryError(
            f'the checkpoint was taken after {done} iterations of epoch {runner.epoch}, '
            f'but an epoch has {len(loop.dataloader)} iterations now; restore the batch size, '
            'the data and the number of processes'
        )
    if done:
        if rng_of_epoch is not None:
            set_rng_state(rng_of_epoch)
        _skip_batches(loop, done, lambda: set_rng_state(now))


def _restore_after_fast_forward(runner: Runner, loop: Any, now: dict[str, Any]) -> None:
    skipped = 0 if getattr(loop, 'fast_forward_on_resume', False) else runner.iter
    iterator = loop.dataloader_iterator

    def restore() -> None:
        # Newer MMEngine makes the iterator, which draws a random number, only for the
        # first batch: in the training that is continued that was long ago.
        if runner.iter > 0 and hasattr(iterator, '_ensure_iterator'):
            iterator._ensure_iterator()
        set_rng_state(now)

    loop.dataloader_iterator = _CallBeforeBatch(iterator, skipped, restore)


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
