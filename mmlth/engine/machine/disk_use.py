"""How much disk a search will take, estimated before it starts."""

import inspect
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmengine.hooks import CheckpointHook
from mmengine.registry import OPTIMIZERS
from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.models import bare_model, ema_hooks


def disk_use(trainer: Runner, rounds: int) -> str:
    """A line on what a search will write, and what is free; logs are left out, being small.

    Args:
        trainer: The Runner of round 0, before training.
        rounds: Number of rounds, the dense one included.
    """
    model = bare_model(trainer)
    averages = len(ema_hooks(trainer))
    weights = _size(model.state_dict().values()) * (1 + averages)
    state = weights + _moments(trainer)
    hook = next((hook for hook in trainer.hooks if isinstance(hook, CheckpointHook)), None)
    kept, best = _kept(trainer, hook), len(hook.save_best or ()) if hook else 0
    ticket = weights // (1 + averages)
    total = state + rounds * (kept * state + best * weights + ticket)
    free = shutil.disk_usage(_existing(Path(trainer.work_dir))).free
    line = (
        f'disk: the search will take about {_text(total)}: {rounds} rounds, each with {kept} '
        f'checkpoints of {_text(state)}, {best} best ones of {_text(weights)} and a ticket of at '
        f'most {_text(ticket)}; {_text(free)} are free'
    )
    return line if total < free else f'{line}: NOT ENOUGH; set max_keep_ckpts, or free some'


def _kept(trainer: Runner, hook: CheckpointHook | None) -> int:
    """Number of checkpoints that a round keeps."""
    if hook is None:
        return 0
    loop = trainer.train_loop
    length = loop.max_epochs if hook.by_epoch else loop.max_iters
    written = -(-length // hook.interval) if hook.interval > 0 else int(hook.save_last)
    return min(written, hook.max_keep_ckpts) if hook.max_keep_ckpts > 0 else written


def _moments(trainer: Runner) -> int:
    """Bytes of the optimizer's state: two moments for those like Adam, one with momentum."""
    wrapper = trainer.cfg.optim_wrapper
    parts = [wrapper, *(part for part in wrapper.values() if isinstance(part, dict))]
    optimizers = [part['optimizer'] for part in parts if part.get('optimizer')]
    trained = _size(p for p in bare_model(trainer).parameters() if p.requires_grad)
    return max((_moments_of(optimizer) for optimizer in optimizers), default=0) * trained


def _moments_of(optimizer: dict[str, Any]) -> int:
    kind = optimizer['type']
    options = inspect.signature(OPTIMIZERS.get(kind) if isinstance(kind, str) else kind).parameters
    if 'betas' in options:
        return 2
    return int('momentum' in options and bool(optimizer.get('momentum', 0)))


def _size(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)


def _text(count: float) -> str:
    for unit in ('bytes', 'kB', 'MB'):
        if count < 1000:
            return f'{count:.0f} {unit}'
        count /= 1000
    return f'{count:.1f} GB'
