"""Tells hooks that MMEngine does not store what they missed: so they get to where they were."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.hooks import EarlyStoppingHook
from mmengine.runner import EpochBasedTrainLoop, Runner

_SWITCHES = ('YOLOXPoseModeSwitchHook', 'RTMOModeSwitchHook')
"""Hooks of MMPose that change the model at one epoch. MMDetection's look at all later ones."""


def replay_validations(runner: Runner, metrics: Sequence[Mapping[str, float]]) -> None:
    """Tells early stopping the metrics of earlier validations, by which it counts its patience.

    Args:
        runner: The Runner that continues the training; its hooks change.
        metrics: The metrics of each earlier validation by name, in order.
    """
    for hook in runner.hooks:
        if isinstance(hook, EarlyStoppingHook):
            for values in metrics:
                hook.after_val_epoch(runner, values)


def replay_switches(runner: Runner) -> None:
    """Makes the changes that hooks made in epochs before the one that the training continues in."""
    if not isinstance(runner.train_loop, EpochBasedTrainLoop):
        return
    for hook in runner.hooks:
        if type(hook).__name__ in _SWITCHES:
            for epoch in range(runner.epoch):
                hook.before_train_epoch(_InEpoch(runner, epoch))


class _InEpoch:
    """A Runner, but in an earlier epoch."""

    def __init__(self, runner: Runner, epoch: int) -> None:
        self._runner = runner
        self.epoch = epoch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)
