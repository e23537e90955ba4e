"""One round of a search: prune, rewind, train, write the ticket."""

import contextlib
import functools
import gc
import pickle
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.checkpoints import (
    check_best_is_saved,
    left_out,
    load_training_state,
    save_best_weights,
)
from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks import (
    BeginHook,
    MaskDistanceHook,
    MaskHook,
    PreemptionHook,
    ProgressHook,
    ResultHook,
    ResumeHook,
    RewindHook,
    RunningTimeHook,
    SparsityHook,
    TicketSaver,
    ValidationLossHook,
)
from mmlth.engine.machine import Preemption, disk_use
from mmlth.engine.masking import mask_by_weights, ranks_by_weights_alone
from mmlth.engine.models import bare_model
from mmlth.engine.search.early_bird import mask_distance_hook, trained
from mmlth.engine.search.paths import SearchPaths
from mmlth.engine.search.plans import Planner, RoundPlan
from mmlth.engine.search.round_training import RoundResult, train_round
from mmlth.engine.search.search import first_iteration
from mmlth.engine.search.state import SearchState, settle_replaced, sha256_of
from mmlth.engine.search.work_dir import delete_interrupted
from mmlth.engine.settings import BEST, Settings, parse_step
from mmlth.engine.tickets import counts, loading_info, provenance
from mmlth.engine.training import check_loop, closed_once, fingerprints, rewind_iteration, unmoved
from mmlth.messages import join_names, reason
from mmlth.pruning import Mask, masked
from mmlth.ticket import Ticket, load_rewind_weights, save_ticket, weights_hash


def run_round(
    runner: Runner,
    settings: Settings,
    paths: SearchPaths,
    state: SearchState,
    index: int,
    preemption: Preemption,
    planner: Planner,
) -> Runner:
    """Runs a round, or what is left of it, and adds its result to ``state`` and search.json.

    Args:
        runner: The user's Runner, from whose config that of the round is built.
        settings: The ``lottery`` key.
        paths: The files of the search.
        state: The search so far.
        index: Which round; 0 is the dense one.
        preemption: Tells whether a signal asks for the end.
        planner: Says what the round trains, from where.

    Returns:
        The Runner that trained it.

    Raises:
        LotteryError: If the round before left something that cannot be used.
        Preempted: If a signal asked for the end.
    """
    with _no_remains_of_a_search_that_never_began(paths, index):
        plan = planner(runner, settings, paths, state, index)
        sparsity = plan.mask.sparsity if plan.mask else 0.0
        runner.logger.info(
            f'search: round {index} of {len(state.schedule) - 1} starts, sparsity {sparsity:.1%}'
        )
        trainer = type(runner).from_cfg(plan.config)
        with closed_once(trainer.visualizer):  # before the next round opens a run
            _train(trainer, settings, paths, state, index, preemption, plan)
    return trainer


def _train(
    trainer: Runner,
    settings: Settings,
    paths: SearchPaths,
    state: SearchState,
    index: int,
    preemption: Preemption,
    plan: RoundPlan,
) -> None:
    last_round = len(state.schedule) - 1
    if plan.mask is not None:
        trainer.register_hook(MaskHook(plan.mask, plan.start if plan.last is None else None))
    mask = plan.mask or _dense_mask(state, bare_model(trainer).state_dict())
    trainer.register_hook(BeginHook(functools.partial(_begin, trainer, paths, state)))
    trainer.register_hook(ResumeHook(preemption.group))
    trainer.register_hook(RunningTimeHook())
    trainer.register_hook(ResultHook())
    if index == 0:
        check_loop(trainer)
        _check_metainfo(trainer)
        _settle_rewind_step(trainer, paths, state)
        if state.rewind['step'] != BEST:
            count, unit = parse_step(state.rewind['step'])
            epoch = count if unit == 'ep' else None
            trainer.register_hook(RewindHook(paths.rewind, state.rewind['iteration'], epoch))
    trainer.register_hook(SparsityHook(index, mask, state.parameters))
    if settings.validation_loss:
        trainer.register_hook(ValidationLossHook(lambda: preemption.requested))
    if settings.checkpoints != 'mmengine':
        told = functools.partial(_provenance, state, paths, index, mask, plan)
        trainer.register_hook(TicketSaver(settings.checkpoints, mask, told))
    trainer.register_hook(
        ProgressHook(index, last_round, mask.sparsity, first_iteration(settings, state))
    )
    control = bool(settings.branch and settings.branch.control)  # its rounds lead to no next one
    watch = index < last_round and not control
    if watch and (hook := _watch_next_mask(trainer, settings, state, index, mask)):
        trainer.register_hook(hook)
    trainer.register_hook(PreemptionHook(preemption))
    result = train_round(trainer)
    if index == 0:
        if state.rewind['step'] == BEST and is_main_process():
            save_best_weights(trainer, paths.rewind)
        barrier()
        if not paths.rewind.exists():
            raise LotteryError(
                f'training stopped after {trainer.iter} iterations, before the rewind step '
                f'{settings.rewind!r}; give an earlier lottery.rewind'
            )
        state.rewind['sha256'] = sha256_of(paths.rewind)
        if state.rewind['step'] != BEST:  # of epochs of several lengths it was a guess
            state.rewind['iteration'] = load_training_state(paths.rewind)['meta']['iter']
        _settle_rewind_weights(paths, state)
    state.rounds.append({**_record(state, paths, mask, result, index), **plan.told})
    if index == 0 and trainer.iter > 1 and (names := _warn_of_unmoved_weights(trainer, state)):
        state.rounds[0]['unmoved'] = names
    if settings.early_bird is not None and not control:
        first = first_iteration(settings, state) if index else 0
        state.rounds[index].update(trained(trainer, first))
    if is_main_process():
        ended = {key: state.rounds[index][key] for key in ('metrics', 'learning_rates')}
        info = {**_provenance(state, paths, index, mask, plan), **ended, **loading_info(trainer)}
        save_ticket(Ticket(mask, masked(result.weights, mask), info), paths.ticket(index))
        state.save(paths)
        delete_interrupted(paths, index)
    barrier()


def free_memory() -> None:
    """Lets go of what a round has left."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _watch_next_mask(
    trainer: Runner, settings: Settings, state: SearchState, index: int, mask: Mask
) -> MaskDistanceHook | None:
    """The hook that watches the next mask; None where the weights alone do not tell that mask."""
    if not ranks_by_weights_alone(settings):
        return None
    keep = state.schedule[index + 1]
    model = bare_model(trainer)
    draw = functools.partial(mask_by_weights, settings, model, state.seed, mask, keep)
    return mask_distance_hook(trainer, settings.early_bird, state, index, mask, draw)


def _warn_of_unmoved_weights(trainer: Runner, state: SearchState) -> list[str]:
    names = unmoved(bare_model(trainer), state.begun or {})
    sizes = state.sizes
    if names and not state.config['lottery']['targets']['frozen']:
        share = sum(sizes[name] for name in names) / sum(sizes.values())
        trainer.logger.warning(
            f'{len(names)} prunable tensors, {share:.1%} of the prunable weights, are after round '
            f'0 what they were after its first iteration: {join_names(names)}; a hook freezes '
            'them, '
            'their learning rate is 0 or the model does not use them, and they are pruned all the '
            'same; name them in lottery.targets.exclude if they are to stay dense'
        )
    return names


def _check_metainfo(trainer: Runner) -> None:
    """Warns of what tickets cannot hold; refuses what MMEngine itself could not go on with."""
    data_set = trainer.train_dataloader.dataset
    metainfo = getattr(data_set, 'metainfo', None)
    try:
        pickle.dumps(metainfo)
        names = left_out(metainfo)
    except RecursionError as error:
        raise LotteryError(
            f'the METAINFO of {type(data_set).__name__} holds itself, or is nested too deep to be '
            'stored; give plain values there'
        ) from error
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise LotteryError(
            f'the METAINFO of {type(data_set).__name__} cannot be pickled ({reason(error)}), as '
            'MMEngine does when it saves and resumes a training; give plain values there, such as '
            'a list in place of the keys of a dict'
        ) from error
    if names:
        trainer.logger.warning(
            f'the METAINFO of {type(data_set).__name__} holds what tickets cannot: '
            f'{join_names(names)}; they hold the rest'
        )


def _settle_rewind_step(trainer: Runner, paths: SearchPaths, state: SearchState) -> None:
    """Finds the rewind step in iterations."""
    if state.rewind['step'] == BEST:
        check_best_is_saved(trainer)
    state.rewind['iteration'] = rewind_iteration(trainer, state.rewind['step'])
    if is_main_process() and not paths.state.exists():
        trainer.logger.info(disk_use(trainer, len(state.schedule)))


def _begin(trainer: Runner, paths: SearchPaths, state: SearchState) -> None:
    """The search exists from now on, or what it was accepted with has changed."""
    if is_main_process():
        if not state.rounds and state.begun is None:
            state.begun = fingerprints(bare_model(trainer), state.sizes)
        state.save(paths)
        settle_replaced(paths)


@contextlib.contextmanager
def _no_remains_of_a_search_that_never_began(paths: SearchPaths, index: int) -> Iterator[None]:
    """Where an error comes before training has begun, the same folder takes a search again."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        if is_main_process() and not paths.state.exists():
            shutil.rmtree(paths.round(index), ignore_errors=True)
            if paths.parent_search is None:
                paths.rewind.unlink(missing_ok=True)
        raise


def _settle_rewind_weights(paths: SearchPaths, state: SearchState) -> None:
    """Hashes θ_k, once the rewind file is there: tickets tell by it what they start from."""
    if 'weights_sha256' not in state.rewind and paths.rewind.exists():
        state.rewind['weights_sha256'] = weights_hash(load_rewind_weights(paths.rewind))


def _record(
    state: SearchState, paths: SearchPaths, mask: Mask, result: RoundResult, index: int
) -> dict[str, Any]:
    return {
        'round': index,
        **counts(mask, state.parameters),
        'metrics': result.metrics,
        'seconds': round(result.seconds, 1),
        'iter': result.iter,
        'epoch': result.epoch,
        'learning_rates': result.learning_rates,
        'ticket': f'tickets/{paths.ticket(index).name}',
    }


def _provenance(
    state: SearchState, paths: SearchPaths, index: int, mask: Mask, plan: RoundPlan
) -> dict[str, Any]:
    """What the tickets of a round tell of where they come from."""
    _settle_rewind_weights(paths, state)
    return {
        'round': index,
        **provenance(mask, state.parameters, state.seed, state.config),
        # Not the file's hash: the file tells the time that each iteration took.
        'rewind': {key: value for key, value in state.rewind.items() if key != 'sha256'},
        'parent_sha256': sha256_of(plan.parent) if plan.parent else None,
        **plan.told,
    }


def _dense_mask(state: SearchState, weights: Mapping[str, Tensor]) -> Mask:
    return Mask.dense({target['name']: weights[target['name']] for target in state.targets})
