"""The best weights of round 0 as what later rounds start from."""

from pathlib import Path
from typing import Any

from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.checkpoints.loading import load_checkpoint_safely
from mmlth.engine.checkpoints.rewind_file import save_training_state
from mmlth.engine.errors import LotteryError
from mmlth.ticket import is_ticket, load_ticket


def check_best_is_saved(runner: Runner) -> None:
    """Refuses a training that will not keep its best weights.

    Raises:
        LotteryError: If nothing is validated, or the CheckpointHook has no ``save_best``.
    """
    if runner.val_loop is None:
        raise LotteryError(
            "lottery.rewind='best' needs a validation that says which weights are best, but the "
            "config has none; give a step such as '1ep'"
        )
    if not any(isinstance(h, CheckpointHook) and h.save_best for h in runner.hooks):
        raise LotteryError(
            "lottery.rewind='best' needs the best checkpoint of round 0; set "
            "default_hooks.checkpoint.save_best='auto', or the name of a metric"
        )


def save_best_weights(runner: Runner, path: Path) -> None:
    """Writes the best weights of a training that has ended as the rewind file.

    Where several metrics have a best checkpoint, that of the first one in ``save_best`` is taken.

    Args:
        runner: Its Runner.
        path: The rewind file.

    Raises:
        LotteryError: If there is no best checkpoint, as when no validation gave the metric.
    """
    hub = runner.message_hub.runtime_info
    best = [hub[key] for key in hub if key.startswith('best_ckpt') and hub[key]]
    if not best:
        raise LotteryError(
            "round 0 has no best checkpoint to rewind to: no validation gave the CheckpointHook's "
            'save_best metric; name one that the evaluator gives, or another lottery.rewind'
        )
    weights = _weights(Path(runner.work_dir, Path(best[0]).name))
    hub_state: dict[str, Any] = {'log_scalars': {}, 'runtime_info': {}, 'resumed_keys': {}}
    checkpoint: dict[str, Any] = {'state_dict': weights, 'message_hub': hub_state, 'meta': {}}
    save_training_state(path, checkpoint, weights)


def _weights(checkpoint: Path) -> dict[str, Tensor]:
    ticket = checkpoint.with_suffix('.safetensors')  # of lottery.checkpoints='tickets'
    if not checkpoint.exists() and is_ticket(ticket):
        return load_ticket(ticket).state_dict(log_deviations=True)
    return dict(load_checkpoint_safely(checkpoint)['state_dict'])
