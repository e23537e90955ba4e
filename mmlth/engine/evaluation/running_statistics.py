"""Running statistics of batch norm layers, computed anew from training data."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from mmengine.runner import Runner
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmlth.engine.configs import plain_loader
from mmlth.engine.errors import LotteryError
from mmlth.engine.models import without_process_group
from mmlth.engine.random_numbers import own_random_numbers

_SEED = 0


def trained_norms(model: nn.Module) -> dict[str, _BatchNorm]:
    """The layers whose running statistics training changes, by name; not those it keeps frozen.

    Args:
        model: A model of MMEngine; put into training mode.
    """
    model.train()
    return {
        name: norm
        for name, norm in model.named_modules()
        if isinstance(norm, _BatchNorm) and norm.training and norm.track_running_stats
    }


def recompute_statistics(
    model: nn.Module,
    loader: Any,
    count: int,
    progress: Callable[[int], None] = lambda done: None,
) -> list[str]:
    """Replaces running statistics by those of the training data under the model's weights.

    Each model that this is called with sees the same batches, whatever was drawn before.

    Args:
        model: A model of MMEngine; put into evaluation mode in the end.
        loader: The settings of the data loader, such as ``config.train_dataloader``.
        count: How many batches the statistics are means over.
        progress: Told the number of batches that are done, after each.

    Returns:
        The names of the layers that no batch has reached; they keep the statistics that they had.

    Raises:
        LotteryError: If the data have no batch.
    """
    with own_random_numbers(_SEED), without_process_group():
        # The sampler gets the seed, for which it would ask the other processes.
        batches = Runner.build_dataloader(plain_loader(loader), seed=_SEED)
        return average_statistics(model, batches, count, progress)


def average_statistics(
    model: nn.Module,
    batches: Iterable[Any],
    count: int,
    progress: Callable[[int], None] = lambda done: None,
) -> list[str]:
    """Replaces running statistics by their means over some batches; see `recompute_statistics`.

    Args:
        model: A model of MMEngine; put into evaluation mode in the end.
        batches: Batches of training data; they are gone through again where they are too few.
        count: How many batches the means are over.
        progress: Told the number of batches that are done, after each.
    """
    norms = trained_norms(model)
    before = {name: (norm.momentum, _copied(norm)) for name, norm in norms.items()}
    for norm in norms.values():
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative mean rather than a moving one
    with torch.no_grad():
        for done, batch in enumerate(itertools.islice(_endless(batches), count), start=1):
            preprocessor: Any = model.data_preprocessor
            data = preprocessor(batch, True)
            if isinstance(data, Mapping):
                model(**data, mode='loss')
            else:
                model(*data, mode='loss')
            progress(done)
    unreached = [name for name, norm in norms.items() if not int(norm.num_batches_tracked or 0)]
    for name, norm in norms.items():
        norm.momentum, statistics = before[name]
        if name in unreached:
            norm.load_state_dict(statistics, strict=False)
    model.eval()
    return unreached


def _copied(norm: _BatchNorm) -> dict[str, torch.Tensor]:
    return {name: buffer.clone() for name, buffer in norm.named_buffers()}


def _endless(batches: Iterable[Any]) -> Iterator[Any]:
    while True:
        empty = True
        for batch in batches:
            empty = False
            yield batch
        if empty:
            raise LotteryError(
                'running statistics are computed from training data, but these have no batch; '
                'give train_dataloader a data set that has images, or a smaller batch_size'
            )
