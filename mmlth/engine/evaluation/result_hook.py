"""Remembers what the last validation of a round gave."""

from collections.abc import Callable
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmlth.engine.evaluation.metrics import no_numbers, plain_metrics
from mmlth.messages import join_names


class ResultHook(Hook):
    """Holds the metrics of the newest validation, and the iteration it came after.

    From here they are known of every validation loop, for ``run()`` need not return them.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.metrics: dict[str, float | None] = {}
        self.iteration = -1
        self._left_out: list[str] = []

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        """Keeps what is a number among the metrics."""
        self.metrics = plain_metrics(metrics)
        self.iteration = runner.iter
        if self._left_out != (left_out := no_numbers(metrics)):
            self._left_out = left_out
            runner.logger.info(
                f'metrics that are no single number are not recorded: {join_names(left_out)}'
            )

    def after_train(self, runner: Runner) -> None:
        """Makes up for the last validation of a training that was interrupted before it."""
        # Of a training that was interrupted between its last checkpoint and its last validation.
        # Not later: as the run ends MMEngine closes the back ends that metrics are logged to.
        if runner.val_loop is not None and self.iteration != runner.iter:
            self.of(runner, runner.val_loop.run)

    def of(self, runner: Runner, validate: Callable[[], Any]) -> dict[str, float | None]:
        """Validates, and gives the metrics.

        Args:
            runner: The Runner that the hook belongs to.
            validate: ``runner.val``, or the ``run`` of its validation loop.

        Returns:
            What the loop tells hooks, else what it returns; empty if it does neither.
        """
        self.metrics, self.iteration = {}, -1
        returned = validate()
        if self.iteration < 0:
            self.after_val_epoch(runner, returned)
        return self.metrics
