"""The training of one ticket under its mask, in place of a search: ``lottery.ticket``."""

import os
from pathlib import Path

from mmengine.runner import Runner, find_latest_checkpoint
from torch import nn

from mmlth.engine.checkpoints import RESUME_SCHEME
from mmlth.engine.display import Display, metrics_text, showing
from mmlth.engine.errors import LotteryError
from mmlth.engine.evaluation import check_validation_loss
from mmlth.engine.hooks import DisplayHook, MaskHook, TicketSaver, ValidationLossHook
from mmlth.engine.machine import only_training_in
from mmlth.engine.settings import Settings
from mmlth.engine.state import RunnerTraces, SearchPaths
from mmlth.engine.tickets import require_match
from mmlth.engine.training import training_loop
from mmlth.ticket import load_ticket


def train_ticket(
    runner: Runner, settings: Settings, traces: RunnerTraces | None = None
) -> nn.Module:
    """Trains in the user's own Runner, from the ticket's weights and under its mask.

    Everything else is as the config has it. Tickets are written beside the checkpoints, or in
    their place by ``lottery.checkpoints='tickets'``.

    Args:
        runner: The user's Runner.
        settings: The ``lottery`` key, whose ``ticket`` is set.
        traces: What the building of ``runner`` left, which is taken back if the ticket is refused.

    Returns:
        The trained model.

    Raises:
        LotteryError: If there is no such file, ``work_dir`` holds a search or another training is
            at work there, the config starts from another checkpoint, or nothing would be trained.
        TicketError: If the file is no ticket of the model.
    """
    traces = traces or RunnerTraces(Path(runner.work_dir))
    with traces.taken_back_on_failure(runner), only_training_in(Path(runner.work_dir)):
        _prepare(runner, settings)
        traces.keep()
        with showing(settings.progress) as display:
            return _train(runner, settings, display)


def _train(runner: Runner, settings: Settings, display: Display) -> nn.Module:
    if not settings.progress:
        return type(runner).train(runner)
    hook = DisplayHook(display, f'ticket {Path(str(settings.ticket)).name}')
    runner.register_hook(hook)
    try:
        model = type(runner).train(runner)
    finally:
        runner.hooks.remove(hook)
    display.line(f'{hook.title}, done: {metrics_text(hook.metrics)}'.removesuffix(': '))
    display.line(f'log: {runner.log_dir}')
    return model


def _prepare(runner: Runner, settings: Settings) -> None:
    """Has the Runner start from the ticket, under its mask; errors as of `train_ticket`."""
    path = os.path.expanduser(str(settings.ticket))
    if not Path(path).is_file():
        raise LotteryError(
            f'lottery.ticket={settings.ticket!r} does not exist or is no file (seen from '
            f'{Path.cwd()})'
        )
    if SearchPaths(Path(runner.work_dir)).state.exists():
        raise LotteryError(
            f'{runner.work_dir} holds a search; train the ticket {path} in another work_dir'
        )
    if not runner._resume and runner._load_from not in (None, path):
        raise LotteryError(
            f'a training starts from the ticket {path} or from load_from={runner._load_from}; '
            'set one of them to None'
        )
    if settings.distil is not None:
        raise LotteryError(
            f'lottery.distil={settings.distil} has the dense round of a search teach, but '
            'lottery.ticket trains a ticket alone; leave distil out, and name the teacher by '
            "custom_hooks=[dict(type='mmlth.DistilHook', teacher='FILE', weight=0.5)]"
        )
    ticket = load_ticket(path)
    require_match(path, ticket.state_dict(), runner.model)
    training_loop(runner)
    last = runner._load_from or find_latest_checkpoint(runner.work_dir) if runner._resume else None
    # Where nothing was saved yet, resuming is starting.
    runner._load_from, runner._resume = f'{RESUME_SCHEME}{last}' if last else path, bool(last)
    runner.register_hook(MaskHook(ticket.mask))
    metadata = {key: ticket.info[key] for key in ('transfer',) if key in ticket.info}
    kind = 'tickets' if settings.checkpoints == 'tickets' else 'both'
    runner.register_hook(TicketSaver(kind, info=metadata))
    if settings.validation_loss:
        check_validation_loss(runner)
        runner.register_hook(ValidationLossHook())
