"""Searches that share the dense round of another one, their parent search."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.dist import get_world_size
from mmengine.runner import Runner

from mmlth.engine.configs import differences
from mmlth.engine.errors import LotteryError
from mmlth.engine.masking import dry_run_pruning
from mmlth.engine.search.paths import SearchPaths
from mmlth.engine.search.state import SearchState, load_state, recorded_targets
from mmlth.engine.settings import BranchSettings, Settings, build_control
from mmlth.engine.training import check_redrawn, training_iterations
from mmlth.pruning import Target

FOLDER = 'branches'

_OF_THE_DENSE_ROUND = ('lottery.targets', 'lottery.rewind:')


def parent_search_of(work_dir: Path) -> Path:
    """The work_dir of the search that a branch in ``work_dir`` belongs to.

    Raises:
        LotteryError: If it is not where a branch belongs.
    """
    parent_search = work_dir.absolute().parent.parent
    if work_dir.absolute().parent.name != FOLDER or not SearchPaths(parent_search).state.exists():
        raise LotteryError(
            f'lottery.branch needs a work_dir SEARCH/{FOLDER}/NAME below the work_dir of a search '
            f'whose dense round is done, got {work_dir}'
        )
    return parent_search


def branch_state(
    runner: Runner,
    settings: Settings,
    paths: SearchPaths,
    targets: list[Target],
    config: dict[str, Any],
) -> SearchState:
    """The state of a branch before its first round of its own.

    Args:
        runner: The user's Runner.
        settings: The ``lottery`` key.
        paths: The files of the branch.
        targets: Which weights may be pruned.
        config: The settings that decide the result; see `decisive_settings`.

    Raises:
        LotteryError: If the parent search has no dense round yet, was trained with other settings
            or by another number of processes, or lacks a ticket that is asked for.
    """
    branch = settings.branch or BranchSettings()
    parent_search = load_state(SearchPaths(paths.parent_search or paths.work_dir))
    if parent_search is None or not parent_search.rounds:
        raise LotteryError(
            f'the dense round in {paths.parent_search} is not done yet; let it end first'
        )
    _check_same_dense_round(parent_search, config, bool(branch.control), paths)
    if parent_search.targets != recorded_targets(targets):
        raise LotteryError(
            f'{paths.parent_search} has {len(parent_search.targets)} prunable tensors, this '
            'branch would have '
            f'{len(targets)}: a branch shares the targets, so its lottery.pattern must fit all of '
            'them; run a search of its own, whose lottery.targets leave out what does not fit'
        )
    if parent_search.world_size != get_world_size():
        raise LotteryError(
            f'{paths.parent_search} was searched by {parent_search.world_size} processes, which '
            'a branch by '
            f'{get_world_size()} cannot be compared with: the batch would differ'
        )
    dense = {**parent_search.rounds[0], 'ticket': f'../../{parent_search.rounds[0]["ticket"]}'}
    total = parent_search.schedule[0]
    told: dict[str, Any] = {
        'control': branch.control,
        'seed': branch.seed,
        'label': branch.label,
    }
    schedule = settings.kept_per_round(parent_search.sizes)
    new_weights = bool(branch.control) and build_control(branch.control or '').new_weights
    if new_weights or settings.rewind_what == 'reinit':
        what = f'the control {branch.control!r}' if new_weights else "lottery.rewind_what='reinit'"
        check_redrawn(runner.cfg, targets, what)
    if not branch.control:
        dry_run_pruning(runner, settings, targets, parent_search.seed, schedule[-1])
    if branch.control:
        told |= _controlled(parent_search, branch, paths, runner)
        schedule = [total, *(parent_search.rounds[index]['kept'] for index in told['tickets'])]
    return SearchState(
        config=config,
        load_from=parent_search.load_from,
        load_from_sha256=parent_search.load_from_sha256,
        seed=parent_search.seed,
        world_size=parent_search.world_size,
        targets=parent_search.targets,
        parameters=parent_search.parameters,
        schedule=schedule,
        rewind={
            **parent_search.rewind,
            'what': settings.rewind_what,
            'after': settings.after_rewind,
        },
        rounds=[dense],
        branch=told,
    )


def with_new_tickets(
    runner: Runner,
    state: SearchState,
    settings: Settings,
    paths: SearchPaths,
    config: dict[str, Any],
) -> SearchState:
    """The state of a control that is resumed: tickets that are asked for now come after the others.

    Args:
        runner: The user's Runner.
        state: The control as it was.
        settings: The ``lottery`` key.
        paths: The files of the branch.
        config: The settings that decide the result; see `decisive_settings`.

    Raises:
        LotteryError: If the parent search lacks a ticket that is asked for.
    """
    branch, before = settings.branch or BranchSettings(), state.branch or {}
    parent_search = load_state(SearchPaths(paths.parent_search or paths.work_dir))
    if parent_search is None or build_control(branch.control or '').long_dense:
        return replace(state, config=config)
    chosen = _chosen(parent_search, branch, paths, runner)
    tickets = [*before['tickets'], *(i for i in chosen if i not in before['tickets'])]
    schedule = [
        parent_search.schedule[0],
        *(parent_search.rounds[index]['kept'] for index in tickets),
    ]
    return replace(state, config=config, schedule=schedule, branch={**before, 'tickets': tickets})


def _controlled(
    parent_search: SearchState, branch: BranchSettings, paths: SearchPaths, runner: Runner
) -> dict[str, Any]:
    """Which tickets the control is made of, and how long their search was."""
    if build_control(branch.control or '').long_dense:
        if not parent_search.finished:
            runner.logger.warning(
                f'{_progress(parent_search, paths)}: the dense model trains as long as these, '
                'not as long '
                'as the whole search; once that is finished, train another one'
            )
        whole = training_iterations(runner)
        return {'tickets': [0], 'length': _iterations(parent_search, whole) / whole}
    return {'tickets': _chosen(parent_search, branch, paths, runner)}


def _iterations(parent_search: SearchState, whole: int) -> int:
    """How many iterations the rounds of a search have trained in all."""
    anew = parent_search.rewind['after'] == 'full' or parent_search.rewind['what'] == 'reinit'
    later = whole - (0 if anew else parent_search.rewind['iteration'])
    return sum(
        round_.get('iterations', later if index else whole)
        for index, round_ in enumerate(parent_search.rounds)
    )


def _chosen(
    parent_search: SearchState, branch: BranchSettings, paths: SearchPaths, runner: Runner
) -> list[int]:
    """The rounds of the parent search whose tickets get the control."""
    done = list(range(1, len(parent_search.rounds)))
    if not done:
        raise LotteryError(
            f'{paths.parent_search} has no pruned round yet, so nothing to compare with'
        )
    if not (branch.tickets or parent_search.finished):
        runner.logger.warning(
            f'{_progress(parent_search, paths)}: the control gets their tickets alone; once the '
            'search '
            'has gone on, the same branch with --resume (resume=True) adds the others'
        )
    chosen = list(branch.tickets or done)
    if missing := [index for index in chosen if index not in done]:
        raise LotteryError(
            f'lottery.branch.tickets={chosen} asks for round {missing[0]}, but '
            f'{paths.parent_search} has '
            f'done rounds {done[0]} to {done[-1]}'
        )
    return chosen


def _progress(parent_search: SearchState, paths: SearchPaths) -> str:
    done, all_rounds = len(parent_search.rounds), len(parent_search.schedule)
    return f'{done} of {all_rounds} rounds of {paths.parent_search} are done'


def _check_same_dense_round(
    parent_search: SearchState, config: dict[str, Any], control: bool, paths: SearchPaths
) -> None:
    free = ('lottery.branch',) if control else ('lottery.',)
    ends = [each['lottery'].get('early_bird') for each in (parent_search.config, config)]
    if ends[0] != ends[1] and not all(map(_dense_in_full, ends)):
        raise LotteryError(
            'a branch shares the dense round, which early-bird may end: the search in '
            f'{paths.parent_search} has lottery.early_bird={ends[0]}, the branch would have '
            f'{ends[1]}; '
            'restore it, or run a search of its own'
        )
    changed = [
        line
        for line in differences(parent_search.config, config)
        if not line.startswith(free) or line.startswith(_OF_THE_DENSE_ROUND)
    ]
    if changed:
        what = 'a control changes nothing else' if control else 'a branch shares the dense round'
        raise LotteryError(
            f'{what}, but these settings differ from those of {paths.parent_search}: '
            f'{"; ".join(changed[:4])}; restore them, or run a search of its own'
        )


def _dense_in_full(early_bird: dict[str, Any] | None) -> bool:
    """Whether early-bird leaves the dense round of a search alone."""
    return early_bird is None or bool(early_bird['full_dense'])
