"""The whole state of a training, or its weights alone, taken from a Runner as MMEngine saves it."""

from typing import Any

from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.checkpoints import plain_metainfo
from mmlth.engine.models import bare_model
from mmlth.pruning import identity


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
