"""The rewind file: the training state at the rewind step, in one safe file."""

from pathlib import Path
from typing import Any

from mmengine.logging import HistoryBuffer
from torch import Tensor

from mmlth.engine.errors import LotteryError
from mmlth.messages import reason
from mmlth.ticket import (
    REWIND_WEIGHTS,
    TicketError,
    flatten,
    load_tensors,
    save_tensors,
    unflatten,
)

_FORMAT = 'mmlth-rewind'


def save_training_state(path: Path, checkpoint: dict[str, Any], weights: dict[str, Tensor]) -> None:
    """Writes a training state atomically.

    Args:
        path: The rewind file.
        checkpoint: What `training_state` returned.
        weights: θ_k, the weights being trained, by the names of the model's ``state_dict()``;
            stored under these names, after `REWIND_WEIGHTS`. Where the checkpoint holds the very
            same tensors they are stored once.

    Raises:
        LotteryError: If a hook put something into the state that cannot be stored.
    """
    hub = dict(checkpoint['message_hub'])
    hub['log_scalars'] = {k: _plain_history(v) for k, v in hub['log_scalars'].items()}
    try:
        structure, tensors = flatten({**checkpoint, 'message_hub': hub}, 'state')
    except TypeError as error:
        raise LotteryError(
            f'the state at the rewind step cannot be stored: {reason(error)}; leave that out of '
            'what hooks put into checkpoints'
        ) from error
    named = {f'{REWIND_WEIGHTS}{name}': tensor for name, tensor in weights.items()}
    save_tensors(path, {**named, **tensors}, {'format': _FORMAT, 'state': structure})


def load_training_state(path: str | Path) -> dict[str, Any]:
    """Reads a rewind file as a checkpoint of MMEngine, with fresh tensors on the CPU.

    Raises:
        LotteryError: If the file is missing, damaged or no rewind file.
    """
    try:
        tensors, info = load_tensors(path)
        if info.get('format') != _FORMAT:
            raise TicketError(f'{path} is no rewind file')
        checkpoint = unflatten(info['state'], {name: t.clone() for name, t in tensors.items()})
    except (OSError, ValueError) as error:
        raise LotteryError(f'cannot read the rewind state: {reason(error)}') from error
    hub = checkpoint['message_hub']
    hub['log_scalars'] = {k: _history(v) for k, v in hub['log_scalars'].items()}
    return checkpoint


def _plain_history(buffer: HistoryBuffer) -> dict[str, Any]:
    values, counts = buffer.data
    return {'values': values, 'counts': counts, 'max_length': buffer.max_length}


def _history(plain: dict[str, Any]) -> HistoryBuffer:
    return HistoryBuffer(plain['values'], plain['counts'], plain['max_length'])
