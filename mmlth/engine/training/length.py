"""How long a training is, in iterations; where it or its rewind step has none, it is refused."""

import re
from collections.abc import Sized
from typing import Any

from mmengine.dataset import DefaultSampler
from mmengine.dist import get_world_size
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import RandomSampler, SequentialSampler

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings import parse_step


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


def training_iterations(runner: Runner) -> int:
    """How many iterations a training takes; its loop is built if it is not yet."""
    return int(runner.train_loop.max_iters)


def _step(most: int, accumulation: int) -> str:
    """The latest step of at most so many iterations between two updates, as ``lottery.rewind``."""
    count = most - most % accumulation
    return f"'{count}it'" if count else "'0'"


def _accumulation(optim_wrapper: Any) -> int:
    """Over how many iterations gradients accumulate; the most, where there are several wrappers."""
    wrappers = [optim_wrapper, *(v for v in optim_wrapper.values() if isinstance(v, dict))]
    return max(int(wrapper.get('accumulative_counts', 1)) for wrapper in wrappers)


_EMPTY = (
    'the training data are empty: train_dataloader.dataset has no sample; look at its ann_file, '
    'its metainfo.classes, and what its filter_cfg leaves out'
)


_OF_EMPTY_DATA = 'at least one array to concatenate|num_samples should be a positive'
"""How MMEngine's data sets and torch's samplers fail where there is no sample."""


def training_loop(runner: Runner) -> Any:
    """The training loop of a Runner, built if it is not yet.

    Raises:
        LotteryError: If it would train for no iteration.
    """
    try:
        loop: Any = runner.train_loop
    except ValueError as error:
        if not re.search(_OF_EMPTY_DATA, str(error)):
            raise
        raise LotteryError(_EMPTY) from error
    if loop is None:
        raise LotteryError(
            'the config has no training; give it train_dataloader, train_cfg and optim_wrapper'
        )
    epochs = isinstance(loop, EpochBasedTrainLoop)
    length = loop.max_epochs if epochs else getattr(loop, 'max_iters', None)
    if length == 0:
        raise LotteryError(
            f'train_cfg.{"max_epochs" if epochs else "max_iters"}=0 trains nothing; give 1 or more'
        )
    loader: Any = loop.dataloader
    data = getattr(loader, 'dataset', None)
    if isinstance(data, Sized) and not len(data):
        raise LotteryError(_EMPTY)
    # Samplers for loops without epochs never end, and some have no length.
    batches = getattr(loader, 'batch_sampler', None)
    sampler = getattr(batches, 'sampler', None)
    ends = epochs or isinstance(sampler, (DefaultSampler, RandomSampler, SequentialSampler))
    if ends and not len(loader):
        raise LotteryError(_no_batch(batches, sampler, len(loader.dataset)))
    return loop


def _no_batch(batches: Any, sampler: Any, count: int) -> str:
    size, start = getattr(batches, 'batch_size', None), 'train_dataloader gives no batch: '
    if size is None or not getattr(batches, 'drop_last', False):
        return f'{start}its {type(sampler or batches).__name__} takes none of the {count} samples'
    processes, share = get_world_size(), len(sampler) if isinstance(sampler, Sized) else count
    each = f', {share} for each of {processes} processes' if processes > 1 else ''
    return (
        f'{start}it has {count} samples{each}, fewer than batch_size={size}, and drop_last=True '
        f'leaves out a batch that is not full; give a batch_size of at most {share}, or '
        'drop_last=False'
    )
