"""The training of one round: an ordinary one, in a Runner of its own."""

import copy
import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor

from mmlth.engine.checkpoint_loading import RESUME_SCHEME, START_SCHEME
from mmlth.engine.checkpoints import bounded_checkpoints
from mmlth.engine.dashboards import name_runs
from mmlth.engine.errors import LotteryError, StoppedEarly
from mmlth.engine.hooks import ResultHook, RunningTimeHook
from mmlth.engine.loader import plain_loader
from mmlth.engine.settings import parse_step
from mmlth.engine.start import learning_rates
from mmlth.engine.training_length import training_loop
from mmlth.engine.training_state import saved_weights

TRAIN_LOSS = 'train_loss'
"""The mean of what is minimised, over the last epoch, or the last tenth of a loop without epochs.

What regularises the training and what makes its task easier lower it alike, so it is no measure of
quality beside other settings; it compares rounds of one search.
"""

_trainings = itertools.count()


@dataclass(frozen=True)
class RoundResult:
    """What a round ended with: weights, newest metrics, learning rates, seconds, iter and epoch.

    Without validation, as in self-supervised training, the one metric is `TRAIN_LOSS`.
    """

    weights: dict[str, Tensor]
    metrics: dict[str, float | None]
    learning_rates: list[list[float]]
    seconds: float
    iter: int
    epoch: int


def round_config(
    config: Config,
    work_dir: Path,
    seed: int,
    load_from: str | None,
    last: Path | None,
    full: bool = False,
) -> Config:
    """The config of one round's training: the user's without ``lottery``, in its own folder.

    Args:
        config: The user's config.
        work_dir: The round's folder.
        seed: Seed of the search; every round sees the same data in the same order.
        load_from: Where the round starts, if anywhere: a path, or one of our schemes.
        last: The checkpoint that the round continues from, if it was interrupted.
        full: Whether only weights are taken from one of our schemes, rather than all that is
            needed to continue from there.
    """
    config = bounded_checkpoints(copy.deepcopy(config))
    config.pop('lottery')
    for key in ('train_dataloader', 'val_dataloader'):
        if config.get(key):
            config[key] = plain_loader(config[key])
    config.experiment_name = experiment_name(config, work_dir)
    if isinstance(config.get('visualizer'), dict):
        config.visualizer.pop('name', None)
    name_runs(config, work_dir)
    config.work_dir = str(work_dir)
    config.randomness = {**(config.get('randomness') or {}), 'seed': seed}
    config.load_from = f'{RESUME_SCHEME}{last}' if last else _readable(load_from)
    config.resume = bool(last) or (not full and (load_from or '').startswith('mmlth-'))
    return config


def _readable(load_from: str | None) -> str | None:
    """Has checkpoints of MMEngine's own read by a loader that can, whatever the stack."""
    if load_from is None or not Path(load_from).is_file() or load_from.endswith('.safetensors'):
        return load_from
    return f'{START_SCHEME}{load_from}'


def experiment_name(config: Config, work_dir: Path) -> str:
    """A name that no other Runner has: loggers, message hubs and visualizers are found by name."""
    stem = Path(config.filename).stem if config.filename else 'search'
    return f'{stem}_{work_dir.name}_{next(_trainings)}'


def rewind_iteration(runner: Runner, step: str) -> int:
    """The rewind step in iterations.

    Args:
        runner: The Runner of round 0; its training loop is built if it is not yet.
        step: ``'0'``, ``'500it'`` or ``'1ep'``.

    Raises:
        LotteryError: If the step is past the end of training, in epochs of a loop without
            epochs, or inside an accumulation of gradients, or if nothing would be trained.
    """
    loop = training_loop(runner)
    count, unit = parse_step(step)
    accumulation = _accumulation(runner.cfg.get('optim_wrapper') or {})
    if unit == 'ep':
        if not isinstance(loop, EpochBasedTrainLoop):
            raise LotteryError(
                f'lottery.rewind={step!r} counts epochs, but {type(loop).__name__} has none; give '
                f'iterations, as in {_step(loop.max_iters // 20, accumulation)}'
            )
        count *= len(loop.dataloader)
    if count >= loop.max_iters:
        length = f'{loop.max_iters} iteration{"s" * (loop.max_iters > 1)}'
        if isinstance(loop, EpochBasedTrainLoop):
            length += f' ({loop.max_epochs} epoch{"s" * (loop.max_epochs > 1)})'
        raise LotteryError(
            f'lottery.rewind={step!r} is past the end of training, which takes {length}; give an '
            f'earlier step, at the latest {_step(loop.max_iters - 1, accumulation)}'
        )
    if count % accumulation:
        raise LotteryError(
            f'lottery.rewind={step!r} is iteration {count}, inside an accumulation of gradients '
            f'over {accumulation} iterations; give a multiple of {accumulation}, '
            f'such as {_step(count, accumulation)}'
        )
    return count


def _step(most: int, accumulation: int) -> str:
    """The latest step of at most so many iterations between two updates, as ``lottery.rewind``."""
    count = most - most % accumulation
    return f"'{count}it'" if count else "'0'"


def training_iterations(runner: Runner) -> int:
    """How many iterations a training takes; its loop is built if it is not yet."""
    return int(runner.train_loop.max_iters)


def _accumulation(optim_wrapper: Any) -> int:
    """Over how many iterations gradients accumulate; the most, where there are several wrappers."""
    wrappers = [optim_wrapper, *(v for v in optim_wrapper.values() if isinstance(v, dict))]
    return max(int(wrapper.get('accumulative_counts', 1)) for wrapper in wrappers)


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
            f'so rounds are compared by {TRAIN_LOSS}'
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
    """`TRAIN_LOSS` from what MMEngine logged; nothing if the model's losses have another name."""
    logged = runner.message_hub.log_scalars.get('train/loss')
    if logged is None:
        return {}
    loop = runner.train_loop
    epochs = isinstance(loop, EpochBasedTrainLoop)
    window = len(loop.dataloader) if epochs else max(1, loop.max_iters // 10)
    mean = float(logged.mean(window))
    return {TRAIN_LOSS: mean if math.isfinite(mean) else None}  # JSON has no NaN


def _hook(runner: Runner, kind: type) -> Any:
    return next(hook for hook in runner.hooks if isinstance(hook, kind))
