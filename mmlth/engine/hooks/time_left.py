"""How long the rest of a search will take."""

import time
from collections.abc import Callable

from mmengine.runner import Runner

from mmlth.engine.hooks.running_time_hook import RunningTimeHook


class TimeLeft:
    """The time of the iterations so far, validations and all, times those to come.

    It is taken from the `RunningTimeHook` of the Runner, if it has one.

    Args:
        runner: A Runner whose training begins.
        to_come: Says how many iterations later rounds will train.
    """

    def __init__(self, runner: Runner, to_come: Callable[[Runner], int]) -> None:
        clocks = (hook for hook in runner.hooks if isinstance(hook, RunningTimeHook))
        self._clock = next(clocks, None)
        self._runner, self._to_come = runner, to_come(runner)
        self._started, self._from = self._now(), runner.iter

    def after(self, done: int) -> float:
        """The seconds that are left after so many iterations, more than at the beginning."""
        left = self._runner.max_iters - done + self._to_come
        return (self._now() - self._started) / (done - self._from) * left

    def _now(self) -> float:
        return time.monotonic() if self._clock is None else self._clock.seconds
