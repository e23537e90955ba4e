"""The hooks of a round's Runner."""

import functools

from mmengine.dist import is_main_process
from mmengine.runner import Runner

from mmlth.engine.hooks import (
    BeginHook,
    DistilHook,
    MaskHook,
    MethodHook,
    PreemptionHook,
    ProgressHook,
    ResultHook,
    ResumeHook,
    RewindHook,
    RunningTimeHook,
    SparsityHook,
    TicketSaver,
    ValidationLossHook,
    pace_schedule,
)
from mmlth.engine.models import bare_model
from mmlth.engine.rounds.early_bird import mask_distance_hook
from mmlth.engine.rounds.record import ticket_metadata
from mmlth.engine.rounds.round import Round
from mmlth.engine.rounds.round_length import iterations_to_come
from mmlth.engine.rounds.shown import display_hook
from mmlth.engine.settings import BEST, parse_step
from mmlth.engine.state import Search, settle_replaced
from mmlth.engine.training import fingerprints


def register_hooks(search: Search, round_: Round) -> None:
    """Gives the Runner of a round its hooks; of equal priority, they are called in this order.

    Args:
        search: The search.
        round_: The round, before it is trained.
    """
    settings, state = search.settings, search.state
    trainer, plan, mask = round_.trainer, round_.plan, round_.mask
    start = plan.start if plan.last is None else None
    if plan.mask is not None:
        trainer.register_hook(MaskHook(plan.mask, start))
    elif settings.method is not None:
        keep = state.schedule[round_.index]
        changed = functools.partial(setattr, round_, 'mask')
        trainer.register_hook(MethodHook(search.pruner, keep, start, changed))
    trainer.register_hook(BeginHook(functools.partial(_begin, search, trainer)))
    trainer.register_hook(ResumeHook(search.preemption.group))
    trainer.register_hook(RunningTimeHook())
    trainer.register_hook(ResultHook())
    if round_.index == 0 and state.rewind['step'] != BEST:
        count, unit = parse_step(state.rewind['step'])
        epoch = count if unit == 'ep' else None
        trainer.register_hook(RewindHook(search.paths.rewind, state.rewind['iteration'], epoch))
    if settings.method is None:  # whose hook logs sparsities as they rise
        trainer.register_hook(SparsityHook(round_.index, mask, state.parameters))
    if settings.distillation is not None and round_.index > 0:
        teacher = search.paths.parent_ticket(0)
        trainer.register_hook(DistilHook(teacher, **settings.distillation))
    if settings.validation_loss:
        trainer.register_hook(ValidationLossHook(lambda: search.preemption.requested))
    if settings.checkpoints != 'mmengine':
        metadata = functools.partial(ticket_metadata, search, round_)
        constant = mask if settings.method is None else None
        trainer.register_hook(TicketSaver(settings.checkpoints, constant, metadata))
    to_come = functools.partial(iterations_to_come, search, round_.index, plan.pace)
    trainer.register_hook(ProgressHook(round_.index, state.last_round, round_.sparsity, to_come))
    if settings.progress:
        trainer.register_hook(display_hook(search, round_))
    if plan.pace is not None:
        pace_schedule(trainer, plan.pace)
    if watch := mask_distance_hook(search, round_):
        trainer.register_hook(watch)
    trainer.register_hook(PreemptionHook(search.preemption))


def _begin(search: Search, trainer: Runner) -> None:
    """The search exists from now on, or what it was accepted with has changed."""
    if is_main_process():
        state = search.state
        if not state.rounds and state.begun is None:
            state.begun = fingerprints(bare_model(trainer), state.sizes)
        state.save(search.paths)
        settle_replaced(search.paths)
