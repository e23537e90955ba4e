"""The network of a config, for scores that evaluate it: a model and data of its own."""

import contextlib
import copy
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import Runner
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmlth.engine.configs import plain_loader
from mmlth.engine.models.building import build_model
from mmlth.engine.models.forward import image_batch
from mmlth.engine.models.losses import losses_of, own_message_hub
from mmlth.engine.random_numbers import seed_all
from mmlth.messages import reason
from mmlth.pruning import PruningError

_SIDE = 256
"""The side of the image of ones that a detector sees, in pixels: responses sum over places."""


class ConfigNetwork(contextlib.AbstractContextManager['ConfigNetwork']):
    """The model and the training data of a config; built when first used, gone at the end.

    The search does not notice: no Runner, message hub or process group takes part. What the first
    process evaluates it evaluates by itself, as if there were no other.

    Args:
        config: The user's config.
        seed: The seed of data order, augmentations, dropout and sampling.
        device: Where to compute.
    """

    def __init__(self, config: Config, seed: int, device: torch.device) -> None:
        self._config = config
        self._seed = seed
        self._device = device
        self._batches: list[Any] = []
        self._stack = contextlib.ExitStack()

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @cached_property
    def model(self) -> nn.Module:
        """The model, with random weights."""
        self._stack.enter_context(without_process_group())
        self._stack.enter_context(own_message_hub())
        return revert_sync_batchnorm(build_model(self._config)).to(self._device)

    def losses(self, batches: int) -> Iterator[Tensor]:
        """The training loss of each of ``batches`` batches, as in the first iterations."""
        model: Any = self.model
        with _explained():
            self._fetch(batches)
        seed_all(self._seed)
        for batch in self._batches[:batches]:
            with _explained():
                loss = losses_of(model, copy.deepcopy(batch))[0]
            yield loss

    def response(self) -> Tensor:
        """The sum of all outputs of the heads for one image of ones."""
        model: Any = self.model
        with _explained():
            inputs, samples = self._one_sample()
            dtype = next(model.parameters()).dtype
            seed_all(self._seed)
            with _one_region(model) as outputs:
                outputs.append(model(torch.ones_like(inputs, dtype=dtype), samples, mode='tensor'))
        responses = [tensor for tensor in _tensors(outputs) if tensor.is_floating_point()]
        return torch.stack([tensor.sum() for tensor in responses]).sum()

    def _one_sample(self) -> tuple[Tensor, Any]:
        model: Any = self.model
        if any(cls.__module__.startswith('mmdet.') for cls in type(model).__mro__):
            inputs, samples = image_batch(model, _SIDE, _SIDE)
            return inputs, samples
        self._fetch(1)
        data = model.data_preprocessor(copy.deepcopy(self._batches[0]), False)
        inputs, samples = data['inputs'], data.get('data_samples')
        inputs = inputs[0] if isinstance(inputs, (list, tuple)) else inputs  # of several views
        return inputs[:1], None if samples is None else samples[:1]

    def _fetch(self, batches: int) -> None:
        if len(self._batches) >= batches:
            return
        seed_all(self._seed)
        loader = plain_loader(self._config.train_dataloader)
        loader.update(num_workers=0, persistent_workers=False, pin_memory=False)
        loader.pop('prefetch_factor', None)
        # The sampler is told the seed, for which it would ask the other processes otherwise.
        built = Runner.build_dataloader(loader, seed=self._seed)
        self._batches = []
        while len(self._batches) < batches:
            before = len(self._batches)
            for batch in built:
                self._batches.append(batch)
                if len(self._batches) == batches:
                    break
            if len(self._batches) == before:
                raise ValueError('the training data have no batch')


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turns what a config's own model or data raise into an error of the score's inputs."""
    try:
        yield
    except torch.cuda.OutOfMemoryError:
        raise
    except Exception as error:  # whatever the user's model raises
        raise PruningError(reason(error)) from error


@contextlib.contextmanager
def without_process_group() -> Iterator[None]:
    """Hides the process group: a loss that averages over processes would wait for the others."""
    original = torch.distributed.is_initialized
    torch.distributed.is_initialized = lambda: False
    try:
        yield
    finally:
        torch.distributed.is_initialized = original


@contextlib.contextmanager
def _one_region(model: nn.Module) -> Iterator[list[Any]]:
    """Makes a two-stage detector look at one region, the whole image; collects the RPN's outputs.

    These are no outputs of the detector, and proposals are chosen by sorting, which passes no
    gradient on, and may be none at all.
    """
    outputs: list[Any] = []
    first_stage: Any = getattr(model, 'rpn_head', None)
    if not hasattr(first_stage, 'prior_generator'):
        yield outputs
        return

    def predict(features: Any, samples: Any, **options: Any) -> list[InstanceData]:
        outputs.append(first_stage(features))
        first = next(_tensors(features))
        return [
            InstanceData(
                bboxes=first.new_tensor([[0, 0, *sample.img_shape[::-1]]]),
                scores=first.new_ones(1),
                labels=first.new_zeros(1, dtype=torch.long),
            )
            for sample in samples
        ]

    first_stage.predict = predict
    try:
        yield outputs
    finally:
        del first_stage.predict


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, Mapping):
        yield from _tensors(list(value.values()))
    elif hasattr(value, 'all_items'):  # MMEngine's data elements
        yield from _tensors([item for _, item in value.all_items()])
