"""Tells a display where a training is."""

from collections.abc import Callable, Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmlth.engine.display import Display, Standing, metrics_text
from mmlth.engine.evaluation import short_metrics
from mmlth.engine.hooks.time_left import TimeLeft


class DisplayHook(Hook):
    """Tells a display of each iteration, each batch of a validation and its metrics.

    Args:
        display: The display.
        title: What is trained, such as ``'round 1 of 3, sparsity 41.5%'``.
        to_come: Says how many iterations later rounds will train, once the Runner is there.
        rounds_done: How many rounds of the search are done before.
        rounds: How many rounds the search has.
        dense: The metrics of the dense round, once it is done.
    """

    priority = 'LOWEST'

    def __init__(
        self,
        display: Display,
        title: str,
        to_come: Callable[[Runner], int] = lambda runner: 0,
        rounds_done: int = 0,
        rounds: int = 1,
        dense: Mapping[str, Any] | None = None,
    ) -> None:
        self.display, self.title, self.to_come = display, title, to_come
        self.rounds_done, self.rounds = rounds_done, rounds
        self.dense, self.metrics = short_metrics(dense), short_metrics({})
        self._left: float | None = None

    def before_train(self, runner: Runner) -> None:
        self._time_left = TimeLeft(runner, self.to_come)
        first, last = runner.iter + 1, runner.max_iters
        if first <= last:  # else it is resumed at its end
            epochs = f'epochs {runner.epoch + 1} to {runner.max_epochs}, ' * _has_epochs(runner)
            self.display.event(f'{self.title}: {epochs}iterations {first} to {last}')
        self._show(runner, _place(runner, runner.iter))

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        done = runner.iter + 1
        self._left = self._time_left.after(done)
        self._show(runner, _place(runner, done), done)

    def after_val_iter(self, runner: Runner, batch_idx: int, *args: Any, **kwargs: Any) -> None:
        self._show(runner, f'validation, batch {batch_idx + 1}{_of_all(runner.val_dataloader)}')

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        self.metrics = short_metrics(metrics)
        place = _place(runner, runner.iter, ended=True)
        if self.metrics and runner.iter < runner.max_iters:  # of the last ones a line tells anyway
            text = metrics_text(self.metrics, self.dense)
            self.display.event(f'{self.title}, {place}: {text}')
        self._show(runner, place)

    def _show(self, runner: Runner, place: str, done: int | None = None) -> None:
        done = runner.iter if done is None else done
        self.display.show(
            Standing(
                title=self.title,
                rounds_done=self.rounds_done,
                rounds=self.rounds,
                place=place,
                share=done / runner.max_iters,
                seconds_left=self._left,
                metrics=self.metrics,
                dense=self.dense,
            )
        )


def _has_epochs(runner: Runner) -> bool:
    return isinstance(runner.train_loop, EpochBasedTrainLoop)


def _of_all(loader: Any) -> str:
    try:
        return f' of {len(loader)}'
    except TypeError:  # an iterable data set has no length
        return ''


def _place(runner: Runner, done: int, ended: bool = False) -> str:
    """How far a training is.

    Args:
        runner: Its Runner.
        done: How many iterations are done.
        ended: Whether the epoch is over, which MMEngine has counted by then.
    """
    iterations = f'iteration {done} of {runner.max_iters}'
    if not _has_epochs(runner):
        return iterations
    return f'epoch {runner.epoch + (not ended)} of {runner.max_epochs}, {iterations}'
