"""Trains one round to its end, and collects what it gave."""

import math
from dataclasses import dataclass
from typing import Any

from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor

from mmlth.engine.errors import StoppedEarly
from mmlth.engine.hooks import ResultHook, RunningTimeHook
from mmlth.engine.training import learning_rates, saved_weights

TRAIN_LOSS = 'train/loss'
"""The scalar by which MMEngine logs what is minimised."""
LOSS_METRIC = 'train_loss'
"""The metric of rounds without validation: the mean of `TRAIN_LOSS` over their last epoch.

In loops without epochs it is taken over the last tenth of the iterations. What regularises the
training and what makes its task easier lower it alike, so it is no measure of quality beside other
settings; it compares rounds of one search.
"""


@dataclass(frozen=True)
class RoundResult:
    """What a round ended with: weights, newest metrics, learning rates, seconds, iter and epoch.

    Without validation, as in self-supervised training, the one metric is `LOSS_METRIC`.
    """

    weights: dict[str, Tensor]
    metrics: dict[str, float | None]
    learning_rates: list[list[float]]
    seconds: float
    iter: int
    epoch: int


def train_round(runner: Runner) -> RoundResult:
    """Trains to the end and collects the result.

    A training that was interrupted between its last checkpoint and its last validation has the
    validation made up for.

    Args:
        runner: A Runner with a `ResultHook` and a `RunningTimeHook`.
    """
    result = _hook(runner, ResultHook)
    try:
        runner.train()
    except StoppedEarly:
        runner.call_hook('after_train')
        runner.call_hook('after_run')
    if runner.val_loop is not None and not result.metrics:
        runner.logger.warning(
            f'the validation by {type(runner.val_loop).__name__} gives no metric that is a number, '
            f'so rounds are compared by {LOSS_METRIC}'
        )
    return RoundResult(
        saved_weights(runner),
        result.metrics or _train_loss(runner),
        learning_rates(runner.optim_wrapper.state_dict()),
        _hook(runner, RunningTimeHook).seconds,
        runner.iter,
        runner.epoch,
    )


def _train_loss(runner: Runner) -> dict[str, float | None]:
    """`LOSS_METRIC` from what MMEngine logged; nothing if the model's losses have another name."""
    logged = runner.message_hub.log_scalars.get(TRAIN_LOSS)
    if logged is None:
        return {}
    loop = runner.train_loop
    epochs = isinstance(loop, EpochBasedTrainLoop)
    window = len(loop.dataloader) if epochs else max(1, loop.max_iters // 10)
    mean = float(logged.mean(window))
    return {LOSS_METRIC: mean if math.isfinite(mean) else None}  # JSON has no NaN


def _hook(runner: Runner, kind: type) -> Any:
    return next(hook for hook in runner.hooks if isinstance(hook, kind))
