"""One round of a search: prune, rewind, train, write the ticket."""

import functools
import gc
import shutil
from collections.abc import Mapping
from typing import Any, cast

import torch
from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.checkpoint_loading import REWIND_SCHEME
from mmlth.engine.checkpoints import newest_checkpoint
from mmlth.engine.disk_use import disk_use
from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks import (
    MaskHook,
    PreemptionHook,
    ProgressHook,
    ResultHook,
    ResumeHook,
    RewindHook,
    TicketSaver,
)
from mmlth.engine.paths import SearchPaths
from mmlth.engine.preemption import Preemption
from mmlth.engine.provenance import counts, provenance
from mmlth.engine.registry import ALLOCATIONS, SCORES
from mmlth.engine.search_state import SearchState, delete_interrupted, sha256_of
from mmlth.engine.settings import Settings
from mmlth.engine.start import reinitialised, round_start
from mmlth.engine.ticket_loading import loading_info
from mmlth.engine.training import RoundResult, rewind_iteration, round_config, train_round
from mmlth.engine.training_state import bare_model
from mmlth.pruning import Mask, masked, prune
from mmlth.ticket import Ticket, load_rewind_weights, load_ticket, save_ticket, weights_hash
from mmlth.wording import some


def run_round(
    runner: Runner,
    settings: Settings,
    paths: SearchPaths,
    state: SearchState,
    index: int,
    preemption: Preemption,
) -> None:
    """Runs a round, or what is left of it, and adds its result to ``state`` and search.json.

    Args:
        runner: The user's Runner, from whose config that of the round is built.
        settings: The ``lottery`` key.
        paths: The files of the search.
        state: The search so far.
        index: Which round; 0 is the dense one.
        preemption: Tells whether a signal asks for the end.

    Raises:
        LotteryError: If the round before left something that cannot be used.
        Preempted: If a signal asked for the end.
    """
    mask, trainer = _build(runner, settings, paths, state, index)
    trainer.register_hook(ResumeHook(preemption.group))
    trainer.register_hook(ResultHook())
    if index == 0:
        _settle_rewind_step(trainer, paths, state)
        trainer.register_hook(RewindHook(paths.rewind, state.rewind['iteration']))
    if settings.checkpoints != 'mmengine':
        saved = mask or _dense_mask(state, bare_model(trainer).state_dict())
        told = functools.partial(_provenance, state, paths, index, saved)
        trainer.register_hook(TicketSaver(settings.checkpoints, saved, told))
    sparsity = 1 - state.schedule[index] / state.schedule[0]
    last = len(state.schedule) - 1
    first = 0 if settings.rewind_what == 'reinit' else state.rewind['iteration']
    trainer.register_hook(ProgressHook(index, last, sparsity, first))
    trainer.register_hook(PreemptionHook(preemption))
    result = train_round(trainer)
    if index == 0:
        if not paths.rewind.exists():
            raise LotteryError(
                f'training stopped after {trainer.iter} iterations, before the rewind step '
                f'{settings.rewind!r}; give an earlier lottery.rewind'
            )
        state.rewind['sha256'] = sha256_of(paths.rewind)
        _settle_rewind_weights(paths, state)
    if mask is None:
        mask = _dense_mask(state, result.weights)
    state.rounds.append(_record(state, mask, result, index))
    if is_main_process():
        ended = {key: state.rounds[index][key] for key in ('metrics', 'learning_rates')}
        info = {**_provenance(state, paths, index, mask), **ended, **loading_info(trainer)}
        save_ticket(Ticket(mask, masked(result.weights, mask), info), paths.ticket(index))
        state.save(paths)
        delete_interrupted(paths, index)
    barrier()
    del trainer
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _build(
    runner: Runner, settings: Settings, paths: SearchPaths, state: SearchState, index: int
) -> tuple[Mask | None, Runner]:
    """The mask of a round (None: dense) and the Runner that trains under it."""
    folder = paths.round(index)
    last = newest_checkpoint(runner.cfg, folder, runner.logger)
    build = type(runner).from_cfg
    if index == 0:
        if last is None and is_main_process():
            paths.rewind.unlink(missing_ok=True)  # of an attempt that left no checkpoint
        barrier()
        return None, build(round_config(runner.cfg, folder, state.seed, state.load_from, last))
    if sha256_of(paths.rewind) != state.rewind['sha256']:
        raise LotteryError(f'{paths.rewind} is not the file that round 0 wrote; restore it')
    ticket = load_ticket(paths.ticket(index - 1))
    before = ticket.state_dict()
    mask = _agree_on_mask(before, ticket.mask, state.schedule[index], settings)
    _warn_of_lost_layers(runner, ticket.mask, mask, index)
    if settings.rewind_what == 'reinit':
        config = round_config(runner.cfg, folder, state.seed, None, last)
        config = reinitialised(config, state.seed + index)
        start = None
    else:
        rewind = f'{REWIND_SCHEME}{paths.rewind}'
        config = round_config(runner.cfg, folder, state.seed, rewind, last)
        if settings.rewind_what == 'nothing':
            config.param_scheduler = None
        rates = state.rounds[0]['learning_rates']
        trained = {} if settings.rewind_what == 'weights' else before
        start = round_start(settings.rewind_what, trained, rates) if last is None else None
    trainer = build(config)
    trainer.register_hook(MaskHook(mask, start))
    return mask, trainer


def _agree_on_mask(
    weights: Mapping[str, Tensor], mask: Mask, keep: int, settings: Settings
) -> Mask:
    """The mask that the first process draws; so a score may draw random numbers, or be inexact."""
    drawn = [_prune(weights, mask, keep, settings) if is_main_process() else None]
    broadcast_object_list(drawn)
    return cast(Mask, drawn[0])


def _prune(weights: Mapping[str, Tensor], mask: Mask, keep: int, settings: Settings) -> Mask:
    try:
        return prune(
            {name: weights[name] for name in mask},
            mask,
            keep=keep,
            score=SCORES.get(settings.score),
            allocation=ALLOCATIONS.get(settings.allocation),
        )
    except ValueError as error:
        raise LotteryError(f'cannot prune: {error}') from error


def _warn_of_lost_layers(runner: Runner, before: Mask, mask: Mask, index: int) -> None:
    lost = [name for name, kept in mask.items() if before[name].any() and not kept.any()]
    if lost:
        runner.logger.warning(
            f'round {index} prunes every weight of {some(lost)}: where no other path passes a '
            'layer, the model learns nothing from here on; lottery.targets.exclude spares layers'
        )


def _settle_rewind_step(trainer: Runner, paths: SearchPaths, state: SearchState) -> None:
    """Finds the rewind step in iterations; the search exists once that has succeeded."""
    try:
        state.rewind['iteration'] = rewind_iteration(trainer, state.rewind['step'])
    except LotteryError:
        if is_main_process() and not paths.state.exists():
            shutil.rmtree(paths.round(0))
        raise
    if is_main_process():
        if not paths.state.exists():
            trainer.logger.info(disk_use(trainer, len(state.schedule)))
        state.save(paths)
    barrier()


def _settle_rewind_weights(paths: SearchPaths, state: SearchState) -> None:
    """Hashes θ_k, once the rewind file is there: tickets tell by it what they start from."""
    if 'weights_sha256' not in state.rewind and paths.rewind.exists():
        state.rewind['weights_sha256'] = weights_hash(load_rewind_weights(paths.rewind))


def _record(state: SearchState, mask: Mask, result: RoundResult, index: int) -> dict[str, Any]:
    return {
        'round': index,
        **counts(mask, state.parameters),
        'metrics': result.metrics,
        'seconds': round(result.seconds, 1),
        'learning_rates': result.learning_rates,
        'ticket': f'tickets/round_{index:02d}.safetensors',
    }


def _provenance(state: SearchState, paths: SearchPaths, index: int, mask: Mask) -> dict[str, Any]:
    """What the tickets of a round tell of where they come from."""
    _settle_rewind_weights(paths, state)
    return {
        'round': index,
        **provenance(mask, state.parameters, state.seed, state.config),
        # Not the file's hash: the file tells the time that each iteration took.
        'rewind': {key: value for key, value in state.rewind.items() if key != 'sha256'},
        'parent_sha256': sha256_of(paths.ticket(index - 1)) if index else None,
    }


def _dense_mask(state: SearchState, weights: Mapping[str, Tensor]) -> Mask:
    return Mask.dense({target['name']: weights[target['name']] for target in state.targets})
