"""Stores the training state at the rewind step of round 0."""

from pathlib import Path
from typing import Any

from mmengine.dist import (
    all_gather_object,
    barrier,
    broadcast_object_list,
    get_rank,
    is_main_process,
)
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmlth.engine.checkpoints import RESUME_KEY, save_training_state
from mmlth.engine.hooks.mask_distance_hook import MASKS_KEY
from mmlth.engine.hooks.resume_hook import ResumeHook
from mmlth.engine.models import bare_model
from mmlth.engine.random_numbers import rng_state
from mmlth.engine.training import training_state


class RewindHook(Hook):
    """Writes the state of the rewind step, unless the file is there already.

    It comes before all other hooks of the next epoch or iteration, when those of the one before
    (schedules, averages, validation) are through.

    Args:
        path: The rewind file.
        iteration: The rewind step k, in iterations.
        epoch: The same in epochs, where it was given so: of loops whose epochs are of several
            lengths ``iteration`` is a guess.
    """

    priority = 'HIGHEST'

    def __init__(self, path: Path, iteration: int, epoch: int | None = None) -> None:
        self.path = path
        self.iteration = iteration
        self.epoch = epoch
        self._looked = False
        self._rng: dict[str, Any] | None = None  # before the batch of step k is drawn
        self._rng_of_epoch: dict[str, Any] | None = None

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if not runner._resume:
            return
        meta = checkpoint['meta']
        ahead = meta['iter'] < self.iteration if self.epoch is None else meta['epoch'] < self.epoch
        if ahead and is_main_process():
            self.path.unlink(missing_ok=True)  # step k comes again, maybe not to the last bit
        if meta['iter'] == self.iteration:
            processes = checkpoint.get(RESUME_KEY, {}).get('processes', [])
            if get_rank() < len(processes):
                self._rng = processes[get_rank()]['now']

    def before_train_epoch(self, runner: Runner) -> None:
        self._rng_of_epoch = rng_state()
        # Elsewhere than at its beginning an epoch goes on from a checkpoint, and batches are
        # skipped first: step k is there at the next iteration, or when the next epoch begins.
        if self._is_step(runner) and self._begins_epoch(runner):
            self._rng = self._rng_of_epoch
            self._store(runner)

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if self.epoch is None and self._is_step(runner):
            self._store(runner)

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if runner.iter + 1 == self.iteration:
            self._rng = rng_state()

    def after_val(self, runner: Runner) -> None:
        if runner.iter == self.iteration:
            self._rng = rng_state()

    def _is_step(self, runner: Runner) -> bool:
        if self.epoch is None:
            return bool(runner.iter == self.iteration)
        return bool(runner.epoch == self.epoch)

    def _begins_epoch(self, runner: Runner) -> bool:
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            return True
        resume = next(hook for hook in runner.hooks if isinstance(hook, ResumeHook))
        return resume.done_in_epoch(runner) == 0

    def _store(self, runner: Runner) -> None:
        if self._looked:
            return
        self._looked = True
        # The first process decides: on a shared disk the others may not see the file yet.
        exists = [self.path.exists()]
        broadcast_object_list(exists)
        if exists[0]:
            return
        own = {'now': self._rng, 'epoch': self._rng_of_epoch, 'gradients': {}}
        processes = all_gather_object(own)
        if is_main_process():
            checkpoint = training_state(runner, runner.epoch, runner.iter)
            # A round counts its own time, early stopping its own patience, and masks are its own.
            checkpoint.pop(MASKS_KEY, None)
            checkpoint[RESUME_KEY].update(processes=processes, metrics=[], seconds=0.0)
            weights = dict(bare_model(runner).state_dict())
            save_training_state(self.path, checkpoint, weights)
            runner.logger.info(
                f'the training state after {runner.iter} iterations, which later rounds '
                f'rewind to, is in {self.path}'
            )
        barrier()
