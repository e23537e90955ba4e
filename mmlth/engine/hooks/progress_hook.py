"""Says how far a search has come and how long it will take."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmlth.engine.hooks.time_left import TimeLeft

_SECONDS_BETWEEN_LINES = 30.0


class ProgressHook(Hook):
    """Logs a line now and then: round, sparsity, iteration, time left for the search.

    For the time left see `TimeLeft`.

    Args:
        round_index: This round.
        last_round: Index of the last round.
        sparsity: Share of the prunable weights that this round trains without.
        to_come: Says how many iterations the later rounds will train, once the Runner is there.
    """

    priority = 'LOWEST'

    def __init__(
        self, round_index: int, last_round: int, sparsity: float, to_come: Callable[[Runner], int]
    ) -> None:
        self.round_index = round_index
        self.last_round = last_round
        self.sparsity = sparsity
        self.to_come = to_come

    def before_train(self, runner: Runner) -> None:
        self._time_left, self._spoke = TimeLeft(runner, self.to_come), time.monotonic()

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        now, done = time.monotonic(), runner.iter + 1
        if now - self._spoke < _SECONDS_BETWEEN_LINES and done < runner.max_iters:
            return
        self._spoke = now
        left = timedelta(seconds=round(self._time_left.after(done)))
        runner.logger.info(
            f'search: round {self.round_index} of {self.last_round}, sparsity {self.sparsity:.1%}, '
            f'iteration {done} of {runner.max_iters}, '
            f'about {left} left for the whole search'
        )
