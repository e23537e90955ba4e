"""One round of a search: prune, rewind, train, write the ticket."""

import contextlib
import functools
import gc
import pickle
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.best_weights import check_best_is_saved, save_best_weights
from mmlth.engine.checkpoint_loading import REWIND_SCHEME
from mmlth.engine.checkpoints import newest_checkpoint
from mmlth.engine.dashboards import closed_once
from mmlth.engine.disk_use import disk_use
from mmlth.engine.drawing import agree_on_mask, draw_by_weights, ranks_by_weights
from mmlth.engine.early_bird import mask_distance_hook, trained
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
from mmlth.engine.loop_check import check_loop
from mmlth.engine.metainfo import left_out
from mmlth.engine.paths import SearchPaths
from mmlth.engine.preemption import Preemption
from mmlth.engine.provenance import counts, provenance
from mmlth.engine.search_state import SearchState, delete_interrupted, settle_replaced, sha256_of
from mmlth.engine.settings import BEST, Settings, parse_step
from mmlth.engine.start import Start, reinitialised, round_start, weights_start
from mmlth.engine.ticket_loading import loading_info
from mmlth.engine.training import RoundResult, rewind_iteration, round_config, train_round
from mmlth.engine.training_state import bare_model, load_training_state
from mmlth.engine.unmoved import fingerprints, unmoved
from mmlth.pruning import Mask, masked
from mmlth.pruning.starved import starved
from mmlth.reason import reason
from mmlth.ticket import Ticket, load_rewind_weights, load_ticket, save_ticket, weights_hash
from mmlth.wording import some


@dataclass(frozen=True)
class RoundPlan:
    """What a round trains, from where.

    Attributes:
        config: Of its training.
        last: The checkpoint that an interrupted round continues from.
        mask: What it trains under; None: the dense model.
        start: Turns the checkpoint that the config loads into what the round starts from.
        parent: The ticket that its mask comes from.
        told: What its record and its ticket tell beside what all rounds do.
    """

    config: Config
    last: Path | None
    mask: Mask | None = None
    start: Start | None = None
    parent: Path | None = None
    told: dict[str, Any] = field(default_factory=dict)


Planner = Callable[[Runner, Settings, SearchPaths, SearchState, int], RoundPlan]
"""Plans a round by its index; may raise a LotteryError."""


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


def plan_round(
    runner: Runner, settings: Settings, paths: SearchPaths, state: SearchState, index: int
) -> RoundPlan:
    """A round of a search: pruned by what the round before ended with, and rewound.

    Raises:
        LotteryError: If the rewind file or the ticket before cannot be used.
    """
    folder = paths.round(index)
    last = newest_checkpoint(runner.cfg, folder, runner.logger)
    if index == 0:
        if last is None and is_main_process():
            paths.rewind.unlink(missing_ok=True)  # of an attempt that left no checkpoint
        barrier()
        return RoundPlan(round_config(runner.cfg, folder, state.seed, state.load_from, last), last)
    parent = paths.ticket(index - 1)
    ticket = load_ticket(parent)
    before = ticket.state_dict()
    keep = state.schedule[index]
    kept = paths.mask(index)
    mask = agree_on_mask(runner, settings, paths, state.seed, before, ticket.mask, keep, kept)
    _warn_of_lost_layers(runner, ticket.mask, mask, index, settings.floor)
    if settings.rewind_what == 'reinit':
        config = round_config(runner.cfg, folder, state.seed, None, last)
        config = reinitialised(config, state.seed + index)
        return RoundPlan(config, last, mask, parent=parent)
    config, start = rewound(runner, settings, paths, state, index, last, before)
    return RoundPlan(config, last, mask, start, parent)


def rewound(
    runner: Runner,
    settings: Settings,
    paths: SearchPaths,
    state: SearchState,
    index: int,
    last: Path | None,
    trained: Mapping[str, Tensor],
) -> tuple[Config, Start]:
    """The config of a round that starts from the rewind file, and how it starts from there.

    Args:
        runner: The user's Runner.
        settings: The ``lottery`` key.
        paths: The files of the search.
        state: The search so far.
        index: Which round.
        last: The checkpoint that the round continues from, if it was interrupted.
        trained: The weights that the round before ended with.

    Raises:
        LotteryError: If the rewind file is not the one that round 0 wrote.
    """
    if sha256_of(paths.rewind) != state.rewind['sha256']:
        raise LotteryError(f'{paths.rewind} is not the file that round 0 wrote; restore it')
    what, full = settings.rewind_what, settings.after_rewind == 'full'
    source = f'{REWIND_SCHEME}{paths.rewind}'
    config = round_config(runner.cfg, paths.round(index), state.seed, source, last, full)
    if what == 'nothing':
        config.param_scheduler = None
    if full:
        weights = load_rewind_weights(paths.rewind) if what == 'weights' else trained
        return config, weights_start(weights)
    given = {} if what == 'weights' else trained
    return config, round_start(what, given, state.rounds[0]['learning_rates'])


def first_iteration(settings: Settings, state: SearchState) -> int:
    """The iteration that later rounds start at."""
    full = settings.after_rewind == 'full' or settings.rewind_what == 'reinit'
    return 0 if full else int(state.rewind['iteration'])


def _watch_next_mask(
    trainer: Runner, settings: Settings, state: SearchState, index: int, mask: Mask
) -> MaskDistanceHook | None:
    """The hook that watches the next mask; None where the weights alone do not tell that mask."""
    model = bare_model(trainer)
    if not ranks_by_weights(settings, model, mask):
        return None
    keep = state.schedule[index + 1]
    draw = functools.partial(draw_by_weights, settings, model, state.seed, mask, keep)
    return mask_distance_hook(trainer, settings.early_bird, state, index, mask, draw)


def _warn_of_lost_layers(
    runner: Runner, before: Mask, mask: Mask, index: int, floor: float
) -> None:
    lost = [name for name, kept in mask.items() if before[name].any() and not kept.any()]
    if lost:
        runner.logger.warning(
            f'round {index} prunes every weight of {some(lost)} ({_share(mask, lost):.1%} of the '
            'prunable weights): where no other path passes a layer, the model learns nothing from '
            'here on; lottery.floor keeps some of each layer'
        )
    known, poor = _starved(before, floor), _starved(mask, floor)
    if new := {name: density for name, density in poor.items() if name not in known}:
        share = _share(mask, new)
        runner.logger.warning(
            f'round {index} keeps {1 - mask.sparsity:.1%} of the prunable weights, but next to '
            f'nothing of {len(new)} layers, which are {share:.1%} of them: '
            f'{some(f"{name} ({density:.2%})" for name, density in new.items())}; a higher '
            'lottery.floor, another lottery.allocation or another lottery.score spares them'
        )


def _starved(mask: Mask, floor: float) -> dict[str, float]:
    counts = {name: (int(kept.count_nonzero()), kept.numel()) for name, kept in mask.items()}
    return starved(counts, floor)


def _share(mask: Mask, names: Iterable[str]) -> float:
    return sum(mask[name].numel() for name in names) / mask.total


def _warn_of_unmoved_weights(trainer: Runner, state: SearchState) -> list[str]:
    names = unmoved(bare_model(trainer), state.begun or {})
    sizes = state.sizes
    if names and not state.config['lottery']['targets']['frozen']:
        share = sum(sizes[name] for name in names) / sum(sizes.values())
        trainer.logger.warning(
            f'{len(names)} prunable tensors, {share:.1%} of the prunable weights, are after round '
            f'0 what they were after its first iteration: {some(names)}; a hook freezes them, '
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
            f'{some(names)}; they hold the rest'
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
            if paths.trunk is None:
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
