"""Writes tickets beside, or in place of, the checkpoints of a training."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner

from mmlth.engine.errors import LotteryError
from mmlth.engine.registry import HOOKS
from mmlth.engine.settings import CHECKPOINTS
from mmlth.engine.ticket_loading import loading_info
from mmlth.engine.training_state import bare_model, saved_weights
from mmlth.pruning import Mask, attached_mask, masked
from mmlth.ticket import Ticket, save_ticket


@HOOKS.register_module()
class TicketSaver(Hook):
    """Follows MMEngine's CheckpointHook: where that writes or deletes, this does.

    A ticket holds mask and weights (the averages, under an EMAHook), neither optimizer state nor
    logged history, which only resuming needs.

    Args:
        checkpoints: ``'both'``: a ticket beside each checkpoint. ``'tickets'``: instead of each,
            but for the newest one, from which training resumes.
        mask: What the tickets keep; by default the mask that is attached to the model.
        info: What the tickets say of themselves beside epoch, iteration and best score.
    """

    priority = 'LOW'

    def __init__(
        self,
        checkpoints: str = 'both',
        mask: Mask | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        if checkpoints not in CHECKPOINTS[1:]:
            raise LotteryError(
                f"TicketSaver writes checkpoints='both' or 'tickets', got {checkpoints!r}"
            )
        self.checkpoints = checkpoints
        self.mask = mask
        self.info = dict(info or {})

    def before_train(self, runner: Runner) -> None:
        hook = _checkpoint_hook(runner)
        if '://' in str(hook.out_dir):
            raise LotteryError(
                f'tickets are written to local folders, but checkpoints go to {hook.out_dir}; '
                "remove the CheckpointHook's out_dir"
            )
        if self.checkpoints == 'tickets' and hook.published_keys is not None:
            raise LotteryError(
                "the CheckpointHook's published_keys need checkpoints to publish; remove them, or "
                "keep both by checkpoints='both'"
            )
        mask = self.mask or attached_mask(bare_model(runner))
        if not mask:
            raise LotteryError(
                'a TicketSaver found no mask on the model; train under one by a MaskHook: '
                "dict(type='mmlth.MaskHook', mask='ticket.safetensors')"
            )
        self.mask = mask
        runner.save_checkpoint = functools.partial(self._save, runner, runner.save_checkpoint)

    def _save(
        self,
        runner: Runner,
        write: Callable[..., None],
        out_dir: str,
        filename: str,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Stands in for ``runner.save_checkpoint``, which is called for the best ones, too."""
        resumable = kwargs.get('save_optimizer', True)
        if resumable or self.checkpoints == 'both':
            write(out_dir, filename, *args, **kwargs)
        weights = saved_weights(runner)  # by all processes, some of which may have to gather
        if not is_main_process() or self.mask is None:
            return
        meta = kwargs.get('meta') or {}
        hub = runner.message_hub.runtime_info
        info = {
            **self.info,
            'epoch': meta.get('epoch'),
            'iteration': meta.get('iter'),
            'best': {key: hub[key] for key in sorted(hub) if key.startswith('best_score')},
            **loading_info(runner),
        }
        path = Path(out_dir, filename).with_suffix('.safetensors')
        save_ticket(Ticket(self.mask, masked(weights, self.mask), info), path)
        _tidy(path, _checkpoint_hook(runner), resumable and self.checkpoints == 'tickets')


def _checkpoint_hook(runner: Runner) -> CheckpointHook:
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook):
            return hook
    raise LotteryError('a TicketSaver follows a CheckpointHook, but the Runner has none')


def _tidy(newest: Path, hook: CheckpointHook, only_newest_checkpoint: bool) -> None:
    """Removes tickets whose checkpoints are gone, and checkpoints that have tickets."""
    # The hook has only those attributes that its options need.
    best = [
        getattr(hook, 'best_ckpt_path', None),
        *getattr(hook, 'best_ckpt_path_dict', {}).values(),
    ]
    wanted = {Path(path).stem for path in best if path}
    steps = getattr(hook, 'keep_ckpt_ids', None)
    kept = None if steps is None else {Path(hook.filename_tmpl.format(s)).stem for s in steps}
    prefix = hook.filename_tmpl.partition('{')[0]
    for ticket in newest.parent.glob('*.safetensors'):
        is_best, is_step = ticket.name.startswith('best_'), ticket.name.startswith(prefix)
        if (is_best and ticket.stem not in wanted) or (
            is_step and kept is not None and ticket.stem not in kept
        ):
            ticket.unlink()
    if only_newest_checkpoint:
        for checkpoint in newest.parent.glob(f'{prefix}*.pth'):
            if checkpoint.stem != newest.stem:
                checkpoint.unlink()
