"""The search: train, prune, rewind, round after round."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, broadcast_object_list, get_world_size, is_main_process
from mmengine.runner import Runner
from torch import nn

from mmlth.engine.configs import check_data, config_record, result_affecting_config
from mmlth.engine.errors import LotteryError, Preempted
from mmlth.engine.evaluation import check_validation_loss
from mmlth.engine.machine import Preemption, explaining_full_disks, only_search_in
from mmlth.engine.masking import choose_targets, dry_run_pruning, table_of_targets
from mmlth.engine.models import bare_model
from mmlth.engine.search.branches import branch_state, parent_search_of, with_new_tickets
from mmlth.engine.search.control_plans import plan_control
from mmlth.engine.search.paths import SearchPaths
from mmlth.engine.search.plans import Planner, plan_round
from mmlth.engine.search.rounds import free_memory, run_round
from mmlth.engine.search.runner_traces import RunnerTraces
from mmlth.engine.search.start_checkpoint import (
    check_checkpoint,
    given_checkpoint,
    settle_checkpoint,
)
from mmlth.engine.search.state import (
    SearchState,
    recorded_targets,
    set_search_aside,
    settle_replaced,
)
from mmlth.engine.search.trained_runner import leave_trained
from mmlth.engine.search.work_dir import check_work_dir, delete_leftovers
from mmlth.engine.settings import Settings
from mmlth.engine.training import check_redrawn, rewind_iteration
from mmlth.messages import reason
from mmlth.pruning import Target, count_parameters
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
        paths = SearchPaths(work_dir, parent_search_of(work_dir) if settings.branch else None)
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
    config = result_affecting_config(runner.cfg, settings.to_dict())
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


def _new_state(
    runner: Runner,
    settings: Settings,
    paths: SearchPaths,
    targets: list[Target],
    config: dict[str, Any],
) -> SearchState:
    seed = [runner.seed]  # it may differ by process
    broadcast_object_list(seed)
    schedule = settings.kept_per_round({target.name: target.numel for target in targets})
    if settings.rewind_what == 'reinit':
        check_redrawn(runner.cfg, targets, "lottery.rewind_what='reinit'")
    dry_run_pruning(runner, settings, targets, seed[0], schedule[-1])
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
