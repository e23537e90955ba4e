"""Writes tickets beside, or in place of, the checkpoints of a training."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import Runner

from mmlth.engine.errors import LotteryError
from mmlth.engine.models import bare_model
from mmlth.engine.registry import HOOKS
from mmlth.engine.settings import CHECKPOINTS
from mmlth.engine.tickets import loading_info, training_provenance
from mmlth.engine.training import saved_weights
from mmlth.pruning import Mask, attached_mask, masked
from mmlth.ticket import Ticket, save_ticket, write_bytes


@HOOKS.register_module()
class TicketSaver(Hook):
    """Follows MMEngine's CheckpointHook: where that writes or deletes, this does.

    A ticket holds mask and weights (the averages, under an EMAHook), neither optimizer state nor
    logged history, which only resuming needs. In the config of a training under a mask, beside a
    `MaskHook`: ``dict(type='mmlth.TicketSaver', checkpoints='tickets')``.

    Args:
        checkpoints: ``'both'``: a ticket beside each checkpoint. ``'tickets'``: instead of each,
            but for the newest one, from which training resumes.
        mask: What the tickets keep; by default the mask that is attached to the model then.
        info: Metadata of the tickets beside what is known here; a function is asked anew for
            each.
    """

    priority = 'LOW'

    def __init__(
        self,
        checkpoints: str = 'both',
        mask: Mask | None = None,
        info: Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        if checkpoints not in CHECKPOINTS[1:]:
            raise LotteryError(
                f"TicketSaver writes checkpoints='both' or 'tickets', got {checkpoints!r}"
            )
        self.checkpoints = checkpoints
        self.mask = mask
        self.info = info if callable(info) else functools.partial(dict, info or {})
        self._held: set[str] = set()
        self._newest: str | None = None

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
        if not self._mask(runner):
            raise LotteryError(
                'a TicketSaver found no mask on the model; train under one by a MaskHook: '
                "dict(type='mmlth.MaskHook', mask='ticket.safetensors')"
            )
        self._held, self._newest = _held(runner), _newest(runner)  # where training is resumed
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
        weights = saved_weights(runner)  # by all processes, some of which may have to gather
        if is_main_process():
            # First: whoever resumes from a checkpoint that is there has its ticket, too.
            mask = self._mask(runner)
            info = self._info(runner, mask, kwargs.get('meta') or {})
            ticket = Ticket(mask, masked(weights, mask), info)
            save_ticket(ticket, _ticket_path(Path(out_dir, filename)))
        if self.checkpoints == 'both' or filename not in _best(runner):
            write(out_dir, filename, *args, **kwargs)
        if is_main_process():
            self._tidy(runner, Path(out_dir))

    def _mask(self, runner: Runner) -> Mask:
        return self.mask or attached_mask(bare_model(runner))  # which may change while it trains

    def _info(self, runner: Runner, mask: Mask, meta: Mapping[str, Any]) -> dict[str, Any]:
        hub = runner.message_hub.runtime_info
        return {
            **training_provenance(runner, mask),
            **self.info(),
            'epoch': meta.get('epoch'),
            'iteration': meta.get('iter'),
            'best': {key: hub[key] for key in sorted(hub) if key.startswith('best_score')},
            **loading_info(runner),
        }

    def _tidy(self, runner: Runner, folder: Path) -> None:
        """Deletes what was written for checkpoints that the CheckpointHook has let go since.

        Of the others in the folder no file is touched, whatever its name.
        """
        held, newest = _held(runner), _newest(runner)
        for name in self._held - held:
            _ticket_path(folder / name).unlink(missing_ok=True)
        if self.checkpoints == 'tickets' and self._newest and newest != self._newest:
            before = folder / self._newest
            if newest and _ticket_path(before).exists():
                # The CheckpointHook points to the new one only after this.
                write_bytes(Path(runner.work_dir, 'last_checkpoint'), str(folder / newest).encode())
                before.unlink(missing_ok=True)
        self._held, self._newest = held, newest


def _checkpoint_hook(runner: Runner) -> CheckpointHook:
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook):
            return hook
    raise LotteryError('a TicketSaver follows a CheckpointHook, but the Runner has none')


def _ticket_path(checkpoint: Path) -> Path:
    return checkpoint.with_name(checkpoint.name.removesuffix('.pth') + '.safetensors')


# The CheckpointHook keeps its records in the message hub, which a checkpoint holds, too. Names are
# compared, not paths, for the folder may have moved since.


def _best(runner: Runner) -> set[str]:
    """The names of the best checkpoints; a new one is among them before it is written."""
    hub = runner.message_hub.runtime_info
    return {Path(hub[key]).name for key in hub if key.startswith('best_ckpt') and hub[key]}


def _held(runner: Runner) -> set[str]:
    """The names of the checkpoints that the CheckpointHook will delete one day."""
    template = _checkpoint_hook(runner).filename_tmpl
    steps = runner.message_hub.get_info('keep_ckpt_ids') or ()
    return _best(runner) | {template.format(step) for step in steps}


def _newest(runner: Runner) -> str | None:
    """The name of the newest checkpoint of a step, from which training would be resumed."""
    last = runner.message_hub.get_info('last_ckpt')
    return Path(last).name if last else None
