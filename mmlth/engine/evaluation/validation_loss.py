"""The loss of the task on the validation data, which MMEngine does not compute."""

import copy
import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import all_gather_object
from mmengine.runner import Runner
from mmengine.runner.amp import autocast
from torch import nn

from mmlth.engine.errors import one_line_if
from mmlth.engine.evaluation.loss_data import loss_loader
from mmlth.engine.models import bare_model, losses_of, own_message_hub
from mmlth.engine.random_numbers import own_random_numbers

_SEED = 0
_IMPOSSIBLE = (
    'lottery.validation_loss=True: the loss of the validation data cannot be computed; leave the '
    'key out, or mend this'
)


class ValidationLoss:
    """Finds the mean loss of a model over the validation data; nothing else notices.

    A copy of the model computes it as it predicts: with the running statistics of its norm layers
    and without dropout. Where a loss draws random numbers, as in samplers of boxes, they are the
    same each time.

    Args:
        config: The user's config.

    Raises:
        LotteryError: If it has no validation data, or they make losses impossible.
    """

    def __init__(self, config: Config) -> None:
        loader = loss_loader(config)
        self._half = bool((config.get('val_cfg') or {}).get('fp16'))
        with one_line_if(_IMPOSSIBLE), own_random_numbers(_SEED), own_message_hub():
            # The sampler is told the seed, for which it would ask the other processes.
            self._loader = Runner.build_dataloader(loader, seed=_SEED)

    def __call__(
        self, model: nn.Module, stopped: Callable[[], bool] | None = None
    ) -> dict[str, float] | None:
        """The mean over all images of all processes.

        A batch counts by its number of images.

        Args:
            model: A model of MMEngine, without a wrapper.
            stopped: Asked after each batch whether to give up.

        Returns:
            Their sum as ``loss``, and each that it consists of by name; None if it was given up.

        Raises:
            LotteryError: If the model cannot compute its loss.
        """
        with own_random_numbers(_SEED):
            return self._mean(model, self._loader, stopped or (lambda: False))

    def check(self, model: nn.Module) -> None:
        """Computes the loss of the first batch.

        Raises:
            LotteryError: If the model cannot.
        """
        with own_random_numbers(_SEED), own_message_hub():
            self._mean(model, itertools.islice(self._loader, 1), lambda: False)

    def _mean(
        self, model: nn.Module, batches: Iterable[Any], stopped: Callable[[], bool]
    ) -> dict[str, float] | None:
        own: Any = copy.deepcopy(model).eval()
        if getattr(own.data_preprocessor, 'batch_augments', None) is not None:
            own.data_preprocessor.batch_augments = None
        sums: Counter[str] = Counter()
        seen, images = 0, len(self._loader.sampler)
        with one_line_if(_IMPOSSIBLE), torch.no_grad(), autocast(enabled=self._half):
            for batch in batches:
                count = min(self._loader.batch_size, images - seen)
                for name, value in losses_of(own, batch)[1].items():
                    if 'loss' in name:
                        sums[name] += float(value) * count
                seen += count
                if stopped():
                    return None
        gathered = all_gather_object((sums, seen))
        whole = sum(count for _, count in gathered)
        names = dict.fromkeys(name for sums, _ in gathered for name in sums)
        return {name: sum(sums[name] for sums, _ in gathered) / whole for name in names}


def check_validation_loss(runner: Runner) -> None:
    """Sees to it that a search does not train a round before a loss turns out to be impossible.

    Args:
        runner: The user's Runner; nothing about it changes.

    Raises:
        LotteryError: If the loss of the validation data cannot be computed.
    """
    ValidationLoss(runner.cfg).check(bare_model(runner))
