"""The losses of a model on a batch, outside of a training."""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

from mmengine.logging import MessageHub
from torch import Tensor

_hubs = itertools.count()


def losses_of(model: Any, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch as a data loader gives it, and those that it consists of by name.

    Args:
        model: A model of MMEngine.
        batch: The batch, which may be changed.
    """
    data = model.data_preprocessor(batch, True)
    outputs = model(**data, mode='loss') if isinstance(data, dict) else model(*data, 'loss')
    total, losses = model.parse_losses(outputs)
    return total, losses


@contextlib.contextmanager
def own_message_hub() -> Iterator[None]:
    """A hub for models that look up where the training is, as at its first iteration.

    What models and data sets write into it is gone at the end.
    """
    name = f'mmlth-network-{next(_hubs)}'
    hub = MessageHub.get_instance(name)
    for key in ('iter', 'epoch'):
        hub.update_info(key, 0)
    for key in ('max_iters', 'max_epochs'):
        hub.update_info(key, 1)
    try:
        yield
    finally:
        MessageHub._instance_dict.pop(name)
