"""The whole state of a training: taken from a Runner, stored without pickle, and read back."""

from pathlib import Path
from typing import Any

from mmengine.hooks import EMAHook
from mmengine.logging import HistoryBuffer
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.metainfo import plain_metainfo
from mmlth.pruning.identity import identity
from mmlth.reason import reason
from mmlth.ticket import TicketError, flatten, load_tensors, save_tensors, unflatten

_FORMAT = 'mmlth-rewind'


def bare_model(runner: Runner) -> nn.Module:
    """The runner's model without its wrapper for distributed training."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def averaged_model(runner: Runner) -> Any:
    """The model that is validated and saved while training: the averages, under an EMAHook."""
    averages = [hook.ema_model.module for hook in runner.hooks if isinstance(hook, EMAHook)]
    return averages[-1] if averages else bare_model(runner)


def training_state(runner: Runner, epoch: int, iteration: int) -> dict[str, Any]:
    """What MMEngine would write into a checkpoint now. Tensors are those of the live model.

    Args:
        runner: A Runner in training.
        epoch: Number of epochs that are complete.
        iteration: Number of iterations that are complete.
    """
    schedulers = runner.param_schedulers or []
    checkpoint: dict[str, Any] = {
        'meta': {'epoch': epoch, 'iter': iteration, 'seed': runner.seed},
        'state_dict': dict(bare_model(runner).state_dict()),
        'message_hub': runner.message_hub.state_dict(),
        'optimizer': runner.optim_wrapper.state_dict(),
        'param_schedulers': (
            {name: [s.state_dict() for s in group] for name, group in schedulers.items()}
            if isinstance(schedulers, dict)
            else [s.state_dict() for s in schedulers]
        ),
    }
    metainfo = getattr(runner.train_dataloader.dataset, 'metainfo', None)
    if metainfo is not None:
        checkpoint['meta']['dataset_meta'] = plain_metainfo(metainfo)
    runner.call_hook('before_save_checkpoint', checkpoint=checkpoint)
    return checkpoint


def saved_weights(runner: Runner) -> dict[str, Tensor]:
    """Copies of the weights that MMEngine would save now: the averages, under an EMAHook."""
    saved = training_state(runner, runner.epoch, runner.iter)['state_dict']
    # Parameters that modules share are copied once, so that they are still one in the copy.
    copies: dict[tuple[Any, ...], Tensor] = {}
    for tensor in saved.values():
        copies.setdefault(identity(tensor), tensor.detach().cpu().clone())
    return {name: copies[identity(tensor)] for name, tensor in saved.items()}


def without_functions(schedulers: Any) -> Any:
    """Scheduler states without the functions in them (OneCycle has one).

    A scheduler built from the same config has the same functions, and a function cannot be read
    back from a file safely.
    """
    if isinstance(schedulers, dict):
        return {k: without_functions(v) for k, v in schedulers.items() if not callable(v)}
    if isinstance(schedulers, list):
        return [without_functions(item) for item in schedulers]
    return schedulers


def save_training_state(path: Path, checkpoint: dict[str, Any], weights: dict[str, Tensor]) -> None:
    """Writes a training state atomically.

    Args:
        path: The rewind file.
        checkpoint: What `training_state` returned.
        weights: θ_k, the weights being trained, by the names of the model's ``state_dict()``;
            stored under these names, after ``weights/``. Where the checkpoint holds the very same
            tensors they are stored once.

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
    named = {f'weights/{name}': tensor for name, tensor in weights.items()}
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
