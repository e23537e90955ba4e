"""The search: train, prune, rewind, round after round."""

import errno
import functools
import gc
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dist import barrier, broadcast_object_list, get_world_size, is_main_process
from mmengine.runner import Runner
from torch import Tensor, nn

from mmlth.engine.checkpoint_loading import REWIND_SCHEME
from mmlth.engine.comparison import decisive_settings
from mmlth.engine.data_check import check_data
from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks import (
    MaskHook,
    ProgressHook,
    ResultHook,
    ResumeHook,
    RewindHook,
    TicketSaver,
)
from mmlth.engine.paths import SearchPaths
from mmlth.engine.provenance import count_parameters, counts, provenance
from mmlth.engine.registry import ALLOCATIONS, SCORES
from mmlth.engine.round import (
    RoundResult,
    newest_checkpoint,
    rewind_iteration,
    round_config,
    train_round,
)
from mmlth.engine.search_state import SearchState, check_work_dir, delete_search, sha256_of
from mmlth.engine.settings import Settings
from mmlth.engine.start import reinitialised, round_start
from mmlth.engine.target_table import target_table
from mmlth.engine.ticket_loading import loading_info
from mmlth.engine.training_state import bare_model
from mmlth.pruning import Mask, Target, TargetError, find_targets, masked, prune
from mmlth.ticket import Ticket, load_rewind_weights, load_ticket, save_ticket, weights_hash

Report = Callable[[Path, bool], None]
"""Makes the report of a work_dir; told whether the search is at its end, to print the results."""


def run_search(runner: Runner, settings: Settings, report: Report) -> nn.Module:
    """Runs all rounds, or those that are left of an interrupted search.

    Every round trains in a Runner of its own, built from the config of ``runner``: a new model,
    new hooks and new data sets, so nothing leaks from round to round but what `round_start` says.

    Args:
        runner: The user's Runner; at the end its model has the weights of the last ticket.
        settings: The ``lottery`` key.
        report: Called after each round.

    Returns:
        The model of ``runner``.

    Raises:
        LotteryError: On bad input; a search that is there already is left as it was.
    """
    paths = SearchPaths(Path(runner.work_dir))
    try:
        return _run(runner, settings, report, paths)
    except (OSError, RuntimeError) as error:
        if not _disk_is_full(error):
            raise
        _remove_unfinished_checkpoints(paths)
        raise LotteryError(
            f'the disk that holds {paths.work_dir} is full ({error}); what was there before is '
            'intact: free some room, then continue with --resume'
        ) from error


def _run(runner: Runner, settings: Settings, report: Report, paths: SearchPaths) -> nn.Module:
    if runner._resume and runner._load_from:
        raise LotteryError(
            f'a search resumes from its work_dir, not from a checkpoint, got {runner._load_from}; '
            'give --resume without a path'
        )
    check_data(runner.cfg)
    config = decisive_settings(runner.cfg, settings.to_dict())
    state = check_work_dir(paths, config, bool(runner._resume), settings.overwrite)
    targets = choose_targets(bare_model(runner), settings)
    if state is None:
        state = _new_state(runner, settings, targets, config)
        if settings.overwrite:
            rewind_iteration(runner, settings.rewind)  # before anything is deleted for its sake
            if is_main_process():
                delete_search(paths)
        barrier()
    elif state.world_size != get_world_size():
        raise LotteryError(
            f'{paths.work_dir} holds a search by {state.world_size} processes, which cannot be '
            f'resumed by {get_world_size()}: the batch would change'
        )
    runner.logger.info('\n' + target_table(bare_model(runner), targets))
    last = len(state.schedule) - 1
    if state.finished:
        runner.logger.info(f'all {last + 1} rounds in {paths.work_dir} are finished')
    for index in range(len(state.rounds), last + 1):
        sparsity = 1 - state.schedule[index] / state.schedule[0]
        runner.logger.info(f'search: round {index} of {last} starts, sparsity {sparsity:.1%}')
        _run_round(runner, settings, paths, state, index)
        if is_main_process() and index < last:
            report(paths.work_dir, False)
    if is_main_process():
        report(paths.work_dir, True)
    bare_model(runner).load_state_dict(load_ticket(paths.ticket(last)).state_dict())
    return runner.model


def choose_targets(model: nn.Module, settings: Settings) -> list[Target]:
    """The weights of a model that ``lottery.targets`` chooses; puts the model in training mode.

    Raises:
        LotteryError: If a pattern matches no weight, or none is left to prune.
    """
    model.train()  # some backbones freeze their first stages only here
    chosen = settings.targets
    try:
        return find_targets(model, chosen.include, chosen.exclude, chosen.predictors, chosen.frozen)
    except TargetError as error:
        raise LotteryError(str(error)) from error


def _new_state(
    runner: Runner, settings: Settings, targets: list[Target], config: dict[str, Any]
) -> SearchState:
    seed = [runner.seed]  # it may differ by process
    broadcast_object_list(seed)
    return SearchState(
        config=config,
        load_from=_load_from(runner),
        seed=seed[0],
        world_size=get_world_size(),
        targets=[{'name': t.name, 'type': t.module_type, 'weights': t.numel} for t in targets],
        parameters=count_parameters(runner),
        schedule=settings.schedule(sum(target.numel for target in targets)),
        rewind={'step': settings.rewind, 'what': settings.rewind_what},
    )


def _load_from(runner: Runner) -> str | None:
    """The checkpoint that the config starts from, which ``--resume`` makes the tools forget.

    A job script that always passes ``--resume`` starts a search that way, too.
    """
    if runner._resume and runner.cfg.filename:
        return Config.fromfile(runner.cfg.filename).get('load_from')
    return runner._load_from


def _run_round(
    runner: Runner, settings: Settings, paths: SearchPaths, state: SearchState, index: int
) -> None:
    mask, trainer = _build_round(runner, settings, paths, state, index)
    trainer.register_hook(ResumeHook())
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
    trainer.register_hook(ProgressHook(index, last, sparsity, state.rewind['iteration']))
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
    barrier()
    del trainer
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _build_round(
    runner: Runner, settings: Settings, paths: SearchPaths, state: SearchState, index: int
) -> tuple[Mask | None, Runner]:
    """The mask of a round (None: dense) and the Runner that trains under it."""
    folder = paths.round(index)
    build = type(runner).from_cfg
    if index == 0:
        if newest_checkpoint(folder) is None and is_main_process():
            paths.rewind.unlink(missing_ok=True)  # of an attempt that left no checkpoint
        barrier()
        return None, build(round_config(runner.cfg, folder, state.seed, state.load_from))
    if sha256_of(paths.rewind) != state.rewind['sha256']:
        raise LotteryError(f'{paths.rewind} is not the file that round 0 wrote; restore it')
    ticket = load_ticket(paths.ticket(index - 1))
    before = ticket.state_dict()
    weights = {name: before[name] for name in ticket.mask}
    mask = _prune(weights, ticket.mask, state.schedule[index], settings)
    _warn_of_lost_layers(runner, ticket.mask, mask, index)
    if settings.rewind_what == 'reinit':
        config = round_config(runner.cfg, folder, state.seed, None)
        config = reinitialised(config, state.seed + index)
        start = None
    else:
        config = round_config(runner.cfg, folder, state.seed, f'{REWIND_SCHEME}{paths.rewind}')
        if settings.rewind_what == 'nothing':
            config.param_scheduler = None
        rewound = config.load_from.startswith(REWIND_SCHEME)
        rates = state.rounds[0]['learning_rates']
        trained = {} if settings.rewind_what == 'weights' else before
        start = round_start(settings.rewind_what, trained, rates) if rewound else None
    trainer = build(config)
    trainer.register_hook(MaskHook(mask, start))
    return mask, trainer


def _prune(weights: dict[str, Tensor], mask: Mask, keep: int, settings: Settings) -> Mask:
    try:
        return prune(
            weights,
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
        shown = ', '.join(lost[:4]) + (f' and {len(lost) - 4} more' if len(lost) > 4 else '')
        runner.logger.warning(
            f'round {index} prunes every weight of {shown}: where no other path passes a layer, '
            'the model learns nothing from here on; lottery.targets.exclude spares layers'
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


def _disk_is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return 'No space left' in str(error)


def _remove_unfinished_checkpoints(paths: SearchPaths) -> None:
    """MMEngine writes checkpoints in place, so a full disk leaves half of one."""
    for path in paths.work_dir.glob('round_*/*.pth'):
        if not zipfile.is_zipfile(path):
            path.unlink()
