"""The search: train, prune, rewind, round after round."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.runner import Runner
from torch import nn

from mmlth.engine.display import forgiving, showing
from mmlth.engine.errors import Preempted
from mmlth.engine.machine import Preemption, explaining_full_disks, only_training_in
from mmlth.engine.masking import table_of_targets
from mmlth.engine.rounds import free_memory, round_pace, run_round
from mmlth.engine.search.acceptance import accept
from mmlth.engine.search.branches import parent_search_of
from mmlth.engine.search.trained_runner import leave_trained
from mmlth.engine.settings import Settings
from mmlth.engine.state import RunnerTraces, Search, SearchPaths, settling_replaced
from mmlth.messages import reason

Report = Callable[[Path, bool], None]
"""Makes the report of a work_dir, and prints the results if the search is at its end (True)."""


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
        traces: What the building of ``runner`` left, which a search that is refused takes back; by
            default it stays.

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
            explaining_full_disks(work_dir),
            only_training_in(work_dir),
            Preemption() as preemption,
            settling_replaced(paths),
        ):
            with showing(settings.progress) as display:
                search = Search(runner, settings, paths, preemption, display)
                display.wait('the search is prepared')
                accept(search, traces)
                _announce(search)
                trainer = _run_rounds(search, report)
            _conclude(search, report, trainer)
            leave_trained(search, trainer)
    return runner.model


def _announce(search: Search) -> None:
    """Logs what is pruned, or that nothing is left to do."""
    state, log = search.state, search.runner.logger
    log.info('\n' + table_of_targets(search.model, search.settings, search.choice))
    done = f', {len(state.rounds)} of them done' * bool(state.rounds)
    search.display.line(
        f'search: rounds 0 to {state.last_round}{done}; logs: {search.runner.log_dir}, '
        f'{search.paths.work_dir}/round_*'
    )
    for note in _notes(search):
        log.info(note)
        search.display.line(note)
    if state.finished and is_main_process():
        state.save(search.paths)  # with the config as it is accepted now


def _notes(search: Search) -> Iterator[str]:
    """What a user should know of the settings before anything is trained."""
    if search.state.costs is not None:
        total, kept = sum(search.state.amounts.values()), search.state.schedule[-1]
        yield (
            f'the prunable weights take {total:,} multiply-adds an image, of which {kept:,} '
            f'({kept / total:.1%}) are left in the end'
        )
    length, last = search.settings.shorter_rounds, search.state.last_round
    of_rounds = length is not None and search.settings.method is None
    if of_rounds and last < 2 and not search.is_control:
        yield (
            f'lottery.round_length={length} shortens nothing here: the dense round and the last '
            'one train in full, and there is none between them'
        )
    branch = search.settings.branch
    longer = branch is not None and branch.length is not None and not search.is_control
    if branch is not None and longer and round_pace(search, 1) is None:
        yield (
            f'lottery.branch.length={branch.length} changes nothing: rounds end with an epoch, and '
            'the nearest one is that of the schedule'
        )
    if search.state.finished:
        rounds = len(search.state.schedule)
        yield f'all {rounds} rounds in {search.paths.work_dir} are finished'


def _run_rounds(search: Search, report: Report) -> Runner | None:
    """Runs the rounds that are left, as far as ``lottery.rounds_per_run`` allows.

    Returns:
        The Runner that trained the last of them; None if none was left.
    """
    state, settings = search.state, search.settings
    left = range(len(state.rounds), len(state.schedule))[: settings.rounds_per_run]
    trainer = None
    for index in left:
        if search.preemption.requested:
            raise Preempted
        trainer = None  # before the next one is built
        free_memory()
        trainer = run_round(search, index)
        if index != left[-1]:
            search.display.wait('the report is written')
            _renew(report, search, at_end=False)
    return trainer


def _conclude(search: Search, report: Report, trainer: Runner | None) -> None:
    """Prints the results, and where they are."""
    state, settings = search.state, search.settings
    _renew(report, search, at_end=True)
    if settings.progress and is_main_process():
        ticket, log = search.paths.ticket(len(state.rounds) - 1), (trainer or search.runner).log_dir
        print(f'ticket: {ticket}\nlog: {log}', file=forgiving(sys.stdout))
    if not state.finished:
        search.runner.logger.info(
            f'search: {len(state.rounds)} of {len(state.schedule)} rounds are done, as many as '
            f'lottery.rounds_per_run={settings.rounds_per_run} allows; --resume (resume=True) '
            'runs the next'
        )


def _renew(report: Report, search: Search, at_end: bool) -> None:
    if not is_main_process():
        return
    try:
        report(search.paths.work_dir, at_end)
    except Exception as error:  # a page is not worth a search of days
        search.runner.logger.warning(f'{search.paths.report} is not renewed: {reason(error)}')
