"""What becomes of a search that work_dir holds: continued, prolonged, replaced or refused."""

from dataclasses import replace
from pathlib import Path

from mmengine.dist import get_world_size

from mmlth.engine.checkpoints import INTERRUPTED
from mmlth.engine.configs import differences
from mmlth.engine.errors import ANOTHER_WORK_DIR, LotteryError
from mmlth.engine.settings import Settings, Spec, build_allocation
from mmlth.engine.state.paths import SearchPaths
from mmlth.engine.state.search import Search
from mmlth.engine.state.state import SearchState, load_state
from mmlth.pruning import kept_per_round
from mmlth.ticket import leftovers
from mmlth_common.lottery import SCHEDULE_KEYS

_MORE_ROUNDS = tuple(f'lottery.{key}' for key in ('target_sparsity', *SCHEDULE_KEYS))

_OF_PARENT_SEARCH = (*_MORE_ROUNDS, 'lottery.branch.tickets')


def check_work_dir(search: Search) -> SearchState | None:
    """Decides what becomes of a search that ``work_dir`` holds.

    Args:
        search: The search that is asked for.

    Returns:
        The search to continue, with more rounds where a finished one is asked for more; or None
        for a new one.

    Raises:
        LotteryError: If there is a search and neither ``resume`` nor ``overwrite`` is given, or
            the search to resume has other settings.
    """
    state, resume = load_state(search.paths), bool(search.runner._resume)
    if search.settings.overwrite and not resume:
        return None
    if state is None:
        _check_no_remains(search)
        return None
    changed = _changed_settings(search, state)
    if not resume:
        raise LotteryError(_is_there_already(search, state, changed))
    if not changed:
        return state
    if state.finished and _asks_for_more_rounds(search, state, changed):
        return replace(state, config=search.config, schedule=_longer(state, search.settings))
    raise LotteryError(
        f'{search.paths.work_dir} holds a search with other settings, which cannot be resumed with '
        f'these: {_shown(changed)}; restore them, or give {ANOTHER_WORK_DIR}'
    )


def _check_no_remains(search: Search) -> None:
    """Refuses tickets and checkpoints without a search.json that would say what they are of."""
    paths = search.paths
    # A rewind file alone is of a training that had not begun: it may hold step 0.
    remains = [paths.tickets, *paths.work_dir.glob('round_*/*.pth')]
    if not search.settings.overwrite and any(path.exists() for path in remains):
        raise LotteryError(
            f'{paths.work_dir} holds tickets or checkpoints of rounds but no search.json; give '
            f'{ANOTHER_WORK_DIR}, or lottery.overwrite=True to delete them'
        )


def _changed_settings(search: Search, state: SearchState) -> list[str]:
    """A line for each setting in which the search that is asked for differs from one there."""
    changed = differences(state.config, search.config)
    if search.is_control:
        # Which tickets it has is settled with the parent search, which may have got more rounds
        # since.
        changed = [line for line in changed if not line.startswith(_OF_PARENT_SEARCH)]
    return changed


def _shown(changed: list[str]) -> str:
    more = f'; and {len(changed) - 4} more' if len(changed) > 4 else ''
    return '; '.join(changed[:4]) + more


def _is_there_already(search: Search, state: SearchState, changed: list[str]) -> str:
    kind = f'a search with other settings ({_shown(changed)})' if changed else 'this search already'
    goes_on = not changed and state.world_size == get_world_size()
    mend = 'add --resume to continue it (resume=True), ' if goes_on else ''
    return (
        f'{search.paths.work_dir} holds {kind}, {len(state.rounds)} of {len(state.schedule)} '
        f'rounds done; {mend}give {ANOTHER_WORK_DIR}, or lottery.overwrite=True to delete it'
    )


def _asks_for_more_rounds(search: Search, state: SearchState, changed: list[str]) -> bool:
    """Whether the settings differ in nothing but how far the search goes."""
    more: tuple[str, ...] = _MORE_ROUNDS
    if _no_lower(state.config['lottery']['allocation'], search.settings.allocation):
        more += ('lottery.allocation.',)
    return all(line.startswith(more) for line in changed)


def _no_lower(before: Spec, now: Spec) -> bool:
    """Whether both are budgets of the same modules, none lower: masks only lose weights."""
    old, new = (getattr(build_allocation(spec), 'modules', {}) for spec in (before, now))
    same = bool(old) and old.keys() == new.keys()
    return same and all(new[module] >= old[module] for module in old)


def _longer(state: SearchState, settings: Settings) -> list[int]:
    """The schedule of a finished search, continued to a higher sparsity.

    Raises:
        LotteryError: If the settings ask for no more than it has, or for other rounds before.
    """
    schedule = state.schedule
    if settings.method is not None and settings.branch is None:
        raise LotteryError(
            f'what lottery.method={settings.method!r} has trained once is finished; train to '
            'another sparsity in another work_dir'
        )
    kept, done, target = schedule[-1], state.last_round, settings.kept(state.amounts)
    if target >= kept:
        raise LotteryError(_no_further(state, settings))
    if settings.sparsities is not None or settings.schedule is not None:
        return _longer_by_list(state, settings)
    if settings.rounds is not None and settings.rounds <= done:
        raise LotteryError(
            f'lottery.rounds={settings.rounds} counts all rounds, of which {done} are done; give '
            f'at least {done + 1}'
        )
    rounds = settings.rounds and settings.rounds - done
    return schedule + kept_per_round(kept, 1 - target / kept, rounds, settings.rate)[1:]


def _no_further(state: SearchState, settings: Settings) -> str:
    total, kept = state.schedule[0], state.schedule[-1]
    budgets = hasattr(build_allocation(settings.allocation), 'kept')
    key = 'budgets in lottery.allocation' if budgets else 'lottery.target_sparsity'
    given = settings.allocation if budgets else settings.target_sparsity
    return (
        f'the search is finished at sparsity {1 - kept / total:.4g}; further rounds need a '
        f'higher {key}, got {given}'
    )


def _longer_by_list(state: SearchState, settings: Settings) -> list[int]:
    """The schedule continued by a list, or by a schedule, which may begin with the rounds done."""
    schedule, total = state.schedule, state.schedule[0]
    asked = settings.kept_per_round(state.amounts)[1:]
    before = [count for count in asked if count >= schedule[-1]]
    if before and before != schedule[1:]:
        given = settings.sparsities and list(settings.sparsities)
        raise LotteryError(
            f'lottery.{settings.chosen_by}={given or settings.schedule} begins with other rounds '
            f'than the {state.last_round} that are done, at '
            f'{", ".join(f"{1 - count / total:.4g}" for count in schedule[1:])}; list these in '
            'lottery.sparsities, or only sparsities beyond them'
        )
    return schedule + asked[len(before) :]


def delete_leftovers(paths: SearchPaths, finished: int) -> None:
    """Removes what killed processes left behind, which may be large.

    Args:
        paths: The files of the search.
        finished: Number of rounds that are done, and need nothing to continue from.
    """
    for folder in (paths.work_dir, paths.report, paths.tickets, *paths.rounds()):
        for path in leftovers(folder):
            path.unlink()
    for index in range(finished):
        delete_interrupted(paths, index)
    if not paths.state.exists():
        for path in paths.masks():
            path.unlink()  # of a round that never trained, maybe by other settings


def delete_interrupted(paths: SearchPaths, index: int) -> None:
    """Removes what a round that is done once continued from.

    Args:
        paths: The files of the search.
        index: The index of the round; 0 is the dense one.
    """
    for path in paths.round(index).glob(f'{Path(INTERRUPTED).stem}.*'):
        path.unlink()
    paths.mask(index).unlink(missing_ok=True)
