"""The search: train, prune, rewind, round after round."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, broadcast_object_list, get_world_size, is_main_process
from mmengine.runner import Runner
from torch import nn

from mmlth.engine.accepted_config import config_record
from mmlth.engine.branches import branch_state, trunk_of, with_new_tickets
from mmlth.engine.comparison import decisive_settings
from mmlth.engine.control_round import plan_control
from mmlth.engine.data_check import check_data
from mmlth.engine.drawing import fitting
from mmlth.engine.errors import LotteryError, Preempted
from mmlth.engine.full_disk import explaining_full_disks
from mmlth.engine.lock import only_search_in
from mmlth.engine.paths import SearchPaths
from mmlth.engine.preemption import Preemption
from mmlth.engine.redrawn import check_redrawn
from mmlth.engine.runner_traces import RunnerTraces
from mmlth.engine.search_round import Planner, free_memory, plan_round, run_round
from mmlth.engine.search_state import (
    SearchState,
    check_work_dir,
    delete_leftovers,
    recorded_targets,
    set_search_aside,
    settle_replaced,
)
from mmlth.engine.settings import Settings
from mmlth.engine.start_checkpoint import (
    check_checkpoint,
    given_checkpoint,
    settle_checkpoint,
)
from mmlth.engine.target_table import target_table
from mmlth.engine.trained_runner import leave_trained
from mmlth.engine.training import rewind_iteration
from mmlth.engine.training_state import bare_model
from mmlth.engine.trial import check_choices
from mmlth.engine.validation_loss import check_validation_loss
from mmlth.pruning import Target, TargetError, count_parameters, find_targets, left_dense
from mmlth.reason import reason
from mmlth.ticket import load_ticket

Report = Callable[[Path, bool], None]
"""Makes the report of a work_dir; told whether the search is at its end, to print the results."""


def run_search(
    runner: Runner, settings: Settings, report: Report, traces: RunnerTraces | None = None
) -> nn.Module:
    """Runs all rounds, or those that are left of an interrupted search.

    Every round trains in a Runner of its own, built from the config of ``runner``: a new model,
    new hooks and new data sets, so nothing leaks from round to round but what `round_start` says.

    Args:
        runner: The user's Runner; at the end its model has the weights of the last ticket.
        settings: The ``lottery`` key.
        report: Called after each round.
        traces: Of the building of ``runner``, which a search that is refused takes back; by default
            they stay.

    Returns:
        The model of ``runner``.

    Raises:
        LotteryError: On bad input; a search that is there already is left as it was.
        Preempted: If a signal asked for the end; all that was done is saved.
    """
    work_dir = Path(runner.work_dir)
    traces = traces or RunnerTraces(work_dir)
    with traces.taken_back_on_failure(runner):
        paths = SearchPaths(work_dir, trunk_of(work_dir) if settings.branch else None)
        with (
            explaining_full_disks(paths.work_dir),
            only_search_in(paths.work_dir),
            Preemption() as preemption,
        ):
            try:
                if is_main_process():
                    settle_replaced(paths)  # of a process that was killed
                barrier()
                return _run(runner, settings, report, paths, preemption, traces)
            finally:
                if is_main_process():
                    settle_replaced(paths)


def _run(
    runner: Runner,
    settings: Settings,
    report: Report,
    paths: SearchPaths,
    preemption: Preemption,
    traces: RunnerTraces,
) -> nn.Module:
    if runner._resume and runner._load_from:
        raise LotteryError(
            f'a search resumes from its work_dir, not from a checkpoint, got {runner._load_from}; '
            'give --resume (resume=True) without a path'
        )
    check_data(runner.cfg)
    config = decisive_settings(runner.cfg, settings.to_dict())
    state = check_work_dir(paths, config, bool(runner._resume), settings)
    load_from = None if settings.branch else given_checkpoint(runner)
    if state is None:
        check_checkpoint(load_from)
    targets = choose_targets(bare_model(runner), settings)
    if settings.validation_loss:
        check_validation_loss(runner)
    if state is None:
        make = branch_state if settings.branch else _new_state
        state = make(runner, settings, paths, targets, config)
        if settings.overwrite:
            rewind_iteration(runner, settings.rewind)  # before anything is deleted for its sake
            if is_main_process():
                set_search_aside(paths)
        # That a round cannot be is told by the Runner of the round alone.
        traces.keep(lambda error: not isinstance(error, LotteryError) or paths.state.exists())
        barrier()
    elif state.world_size != get_world_size():
        raise LotteryError(
            f'{paths.work_dir} holds a search by {state.world_size} processes, which cannot be '
            f'resumed by {get_world_size()}: the batch would change; start as many as before'
        )
    elif settings.branch and settings.branch.control:
        state = with_new_tickets(runner, state, settings, paths, config)
    if not settings.branch:
        settle_checkpoint(state, paths, load_from)
    if paths.state.exists():
        traces.keep()
    state.accepted_config = config_record(runner.cfg)
    if is_main_process():
        delete_leftovers(paths, len(state.rounds))
    runner.logger.info('\n' + table_of_targets(bare_model(runner), settings))
    last = len(state.schedule) - 1
    if state.finished:
        runner.logger.info(f'all {last + 1} rounds in {paths.work_dir} are finished')
        if is_main_process():
            state.save(paths)  # with the config as it is accepted now: data may have moved
    planner: Planner = plan_control if settings.branch and settings.branch.control else plan_round
    left = range(len(state.rounds), last + 1)[: settings.rounds_per_run]
    trainer = None
    for index in left:
        if preemption.requested:
            raise Preempted
        trainer = None  # before the next one is built
        free_memory()
        trainer = run_round(runner, settings, paths, state, index, preemption, planner)
        if index != left[-1]:
            _renew(report, runner, paths, at_end=False)
    _renew(report, runner, paths, at_end=True)
    if not state.finished:
        runner.logger.info(
            f'search: {len(state.rounds)} of {last + 1} rounds are done, as many as '
            f'lottery.rounds_per_run={settings.rounds_per_run} allows; --resume (resume=True) '
            'runs the next'
        )
    done = len(state.rounds) - 1
    ticket = load_ticket(paths.ticket(done))
    leave_trained(runner, ticket, trainer, state.rounds[done], paths.round(done))
    return runner.model


def _renew(report: Report, runner: Runner, paths: SearchPaths, at_end: bool) -> None:
    if not is_main_process():
        return
    try:
        report(paths.work_dir, at_end)
    except Exception as error:  # a page is not worth a search of days
        runner.logger.warning(f'{paths.report} is not renewed: {reason(error)}')


def choose_targets(model: nn.Module, settings: Settings) -> list[Target]:
    """The weights of a model that ``lottery.targets`` chooses; puts the model in training mode.

    Those that ``lottery.pattern`` does not fit are left out.

    Raises:
        LotteryError: If a pattern matches no weight, a role is missing, or none is left to prune.
    """
    found = _candidates(model, settings)
    fit = fitting(settings, model, found)
    if not fit:
        raise LotteryError(
            f'lottery.pattern={settings.pattern!r} fits none of the {len(found)} weights that may '
            'be pruned; choose another pattern or other targets'
        )
    return fit


def table_of_targets(model: nn.Module, settings: Settings) -> str:
    """What `choose_targets` chooses, and what it leaves out, as plain text; errors as there."""
    chosen = choose_targets(model, settings)
    names = {target.name for target in chosen}
    misfits = [target for target in _candidates(model, settings) if target.name not in names]
    return target_table(model, chosen, misfits, left_dense(model, **asdict(settings.targets)))


def _candidates(model: nn.Module, settings: Settings) -> list[Target]:
    model.train()  # some backbones freeze their first stages only here
    chosen = settings.targets
    try:
        return find_targets(model, **asdict(chosen))
    except TargetError as error:
        raise LotteryError(str(error)) from error


def _new_state(
    runner: Runner,
    settings: Settings,
    paths: SearchPaths,
    targets: list[Target],
    config: dict[str, Any],
) -> SearchState:
    seed = [runner.seed]  # it may differ by process
    broadcast_object_list(seed)
    schedule = settings.schedule({target.name: target.numel for target in targets})
    if settings.rewind_what == 'reinit':
        check_redrawn(runner.cfg, targets, "lottery.rewind_what='reinit'")
    check_choices(runner, settings, targets, seed[0], schedule[-1])
    return SearchState(
        config=config,
        load_from=None,  # `settle_checkpoint` says
        seed=seed[0],
        world_size=get_world_size(),
        targets=recorded_targets(targets),
        parameters=count_parameters(bare_model(runner)),
        schedule=schedule,
        rewind={
            'step': settings.rewind,
            'what': settings.rewind_what,
            'after': settings.after_rewind,
        },
    )
