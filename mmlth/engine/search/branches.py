"""Searches that share the dense round of another one, their parent search."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.dist import get_world_size

from mmlth.engine.configs import BRANCHES, differences
from mmlth.engine.errors import LotteryError
from mmlth.engine.masking import Pruner, dry_run_pruning, weight_costs
from mmlth.engine.settings import BranchSettings, build_control
from mmlth.engine.state import (
    MACS_KEYS,
    Search,
    SearchPaths,
    SearchState,
    first_iteration,
    recorded_targets,
)
from mmlth.engine.training import check_redrawn, training_iterations
from mmlth.pruning import amounts
from mmlth_common.lottery import WHOLE_SEARCH

_OF_THE_DENSE_ROUND = ('lottery.targets', 'lottery.rewind:')


def parent_search_of(work_dir: Path) -> Path:
    """The work_dir of the search that a branch in ``work_dir`` belongs to.

    Raises:
        LotteryError: If it is not where a branch belongs.
    """
    parent_search = work_dir.absolute().parent.parent
    paths = SearchPaths(parent_search)
    if work_dir.absolute().parent != paths.branches or not paths.state.exists():
        raise LotteryError(
            f'lottery.branch needs a work_dir SEARCH/{BRANCHES}/NAME below the work_dir of a '
            f'search whose dense round is done, got {work_dir}'
        )
    return parent_search


def branch_state(search: Search) -> SearchState:
    """The state of a branch before its first round of its own.

    Args:
        search: The branch, which has no state yet.

    Raises:
        LotteryError: If the parent search has no dense round yet, was trained with other settings
            or by another number of processes, or lacks a ticket that is asked for.
    """
    settings, parent = search.settings, _with_dense_round(search)
    branch = settings.branch or BranchSettings()
    _check_same_dense_round(search, parent)
    _check_same_targets(search, parent)
    _check_same_processes(search, parent)
    costs = _costs(search, parent)
    schedule = settings.kept_per_round(amounts(parent.sizes, costs))
    _check_new_weights(search)
    record: dict[str, Any] = {'control': branch.control, 'seed': branch.seed, 'label': branch.label}
    if branch.control:
        record |= _controlled(search, parent)
        schedule = _schedule_of(parent, record['tickets'])
    else:
        if branch.length is not None:
            record['length'] = _stretch(search, parent, branch.length)
        pruner = Pruner(settings, search.model, parent.seed, costs)
        dry_run_pruning(pruner, search.runner, search.targets, schedule[-1])
    return SearchState(
        config=search.config,
        load_from=parent.load_from,
        load_from_sha256=parent.load_from_sha256,
        seed=parent.seed,
        world_size=parent.world_size,
        targets=parent.targets,
        parameters=parent.parameters,
        schedule=schedule,
        rewind={**parent.rewind, 'what': settings.rewind_what, 'after': settings.after_rewind},
        rounds=[_dense_record(parent, costs)],
        branch=record,
        costs=costs,
    )


def with_new_tickets(search: Search, state: SearchState) -> SearchState:
    """The state of a control that is resumed: tickets that are asked for now come after the others.

    Args:
        search: The control.
        state: The state of the control as it was.

    Raises:
        LotteryError: If the parent search lacks a ticket that is asked for.
    """
    branch, parent = state.branch or {}, search.parent
    if parent is None or build_control(branch['control']).long_dense:
        return replace(state, config=search.config)
    chosen = _chosen(search, parent)
    tickets = [*branch['tickets'], *(i for i in chosen if i not in branch['tickets'])]
    return replace(
        state,
        config=search.config,
        schedule=_schedule_of(parent, tickets),
        branch={**branch, 'tickets': tickets},
    )


def _with_dense_round(search: Search) -> SearchState:
    """The parent search, whose dense round is done."""
    if search.parent is None or not search.parent.rounds:
        raise LotteryError(
            f'the dense round in {search.paths.parent_search} is not done yet; let it end first'
        )
    if method := search.parent.config['lottery'].get('method'):
        raise LotteryError(
            f'{search.paths.parent_search} was trained once by lottery.method={method!r}, so that '
            'it has no dense round for a branch to share; branch off from a search'
        )
    return search.parent


def _check_same_dense_round(search: Search, parent: SearchState) -> None:
    """Refuses settings that would have given another dense round than that of the parent search."""
    above = search.paths.parent_search
    ends = [each['lottery'].get('early_bird') for each in (parent.config, search.config)]
    own_rounds = search.settings.method is None  # else early-bird ends none of the branch
    if own_rounds and ends[0] != ends[1] and not all(map(_dense_in_full, ends)):
        raise LotteryError(
            'a branch shares the dense round, which early-bird may end: the search in '
            f'{above} has lottery.early_bird={ends[0]}, the branch would have {ends[1]}; '
            'restore it, or run a search of its own'
        )
    free = ('lottery.branch',) if search.is_control else ('lottery.',)
    changed = [
        line
        for line in differences(parent.config, search.config)
        if not line.startswith(free) or line.startswith(_OF_THE_DENSE_ROUND)
    ]
    if changed:
        what = (
            'a control changes nothing else'
            if search.is_control
            else 'a branch shares the dense round'
        )
        raise LotteryError(
            f'{what}, but these settings differ from those of {above}: '
            f'{"; ".join(changed[:4])}; restore them, or run a search of its own'
        )


def _dense_in_full(early_bird: dict[str, Any] | None) -> bool:
    """Whether early-bird leaves the dense round of a search alone."""
    return early_bird is None or bool(early_bird['full_dense'])


def _check_same_targets(search: Search, parent: SearchState) -> None:
    if parent.targets != recorded_targets(search.targets):
        raise LotteryError(
            f'{search.paths.parent_search} has {len(parent.targets)} prunable tensors, this branch '
            f'would have {len(search.targets)}: a branch shares the targets, so its '
            'lottery.pattern must fit all of them; run a search of its own, whose lottery.targets '
            'leave out what does not fit'
        )


def _check_same_processes(search: Search, parent: SearchState) -> None:
    if parent.world_size != get_world_size():
        raise LotteryError(
            f'{search.paths.parent_search} was searched by {parent.world_size} processes, which a '
            f'branch by {get_world_size()} cannot be compared with: the batch would differ'
        )


def _check_new_weights(search: Search) -> None:
    """Refuses a branch from new random weights where the model loads trained ones by itself."""
    control = search.settings.branch and search.settings.branch.control
    what = None
    if control and build_control(control).new_weights:
        what = f'the control {control!r}'
    elif search.settings.rewind_what == 'reinit':
        what = "lottery.rewind_what='reinit'"
    if what:
        check_redrawn(search.runner.cfg, search.targets, what)


def _controlled(search: Search, parent: SearchState) -> dict[str, Any]:
    """Which tickets the control is made of; or how long the dense model trains."""
    branch = search.settings.branch or BranchSettings()
    if not build_control(branch.control or '').long_dense:
        return {'tickets': _chosen(search, parent)}
    if isinstance(branch.length, float):
        return {'tickets': [0], 'length': branch.length}
    if not parent.finished:
        search.runner.logger.warning(
            f'{_progress(search, parent)}: the dense model trains as long as these, not as long '
            'as the whole search; once that is finished, train another one'
        )
    whole = training_iterations(search.runner)
    return {'tickets': [0], 'length': _iterations(parent, whole) / whole}


def _stretch(search: Search, parent: SearchState, length: float | str) -> float:
    """How many times as long the rounds of a branch train as those of its parent search."""
    if length != WHOLE_SEARCH:
        return float(length)
    if not parent.finished:
        search.runner.logger.warning(
            f'{_progress(search, parent)}: rounds train as long as these together, not as long as '
            'the whole search; once that is finished, train another branch'
        )
    settings, whole = search.settings, training_iterations(search.runner)
    own = {**parent.rewind, 'what': settings.rewind_what, 'after': settings.after_rewind}
    first = first_iteration(own)
    return (_iterations(parent, whole) - first) / (whole - first)


def _iterations(parent: SearchState, whole: int) -> int:
    """How many iterations the rounds of a search have trained in all; a full one ends at ``whole``.

    Only rounds of another length have their number recorded, those of an earlier mmlth not even
    where they ended.
    """
    first = parent.first_iteration
    return sum(
        record.get('iterations', record.get('iter', whole) - (first if index else 0))
        for index, record in enumerate(parent.rounds)
    )


def _costs(search: Search, parent: SearchState) -> dict[str, int] | None:
    """What weights cost, where the branch counts multiply-adds; as the parent search counted it."""
    if search.settings.counts_macs and parent.costs is not None:
        return parent.costs
    return weight_costs(search.settings, search.runner.cfg, search.targets)


def _dense_record(parent: SearchState, costs: dict[str, int] | None) -> dict[str, Any]:
    """The dense round in a branch, which may count what the parent search does not."""
    record = {key: value for key, value in parent.rounds[0].items() if key not in MACS_KEYS}
    record['ticket'] = f'../../{record["ticket"]}'
    if costs is not None:
        record |= dict.fromkeys(MACS_KEYS, sum(amounts(parent.sizes, costs).values()))
    return record


def _schedule_of(parent: SearchState, tickets: list[int]) -> list[int]:
    """How much each round of a control keeps, as the tickets do that it changes."""
    kept = 'kept' if parent.costs is None else 'kept_macs'
    return [parent.schedule[0], *(parent.rounds[index][kept] for index in tickets)]


def _chosen(search: Search, parent: SearchState) -> list[int]:
    """The rounds of the parent search whose tickets get the control."""
    asked = (search.settings.branch or BranchSettings()).tickets
    above = search.paths.parent_search
    done = list(range(1, len(parent.rounds)))
    if not done:
        raise LotteryError(f'{above} has no pruned round yet, so nothing to compare with')
    if not (asked or parent.finished):
        search.runner.logger.warning(
            f'{_progress(search, parent)}: the control gets their tickets alone; once the search '
            'has gone on, the same branch with --resume (resume=True) adds the others'
        )
    chosen = list(asked or done)
    if missing := [index for index in chosen if index not in (0, *done)]:
        raise LotteryError(
            f'lottery.branch.tickets={chosen} asks for round {missing[0]}, but {above} has '
            f'done rounds {done[0]} to {done[-1]}'
        )
    return chosen


def _progress(search: Search, parent: SearchState) -> str:
    done, rounds = len(parent.rounds), len(parent.schedule)
    return f'{done} of {rounds} rounds of {search.paths.parent_search} are done'
