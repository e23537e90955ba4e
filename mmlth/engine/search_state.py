"""search.json: the state and the results of a search."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mmengine.dist import get_world_size

from mmlth.engine.checkpoints import INTERRUPTED
from mmlth.engine.choices import Spec, build_allocation
from mmlth.engine.comparison import decisive_lottery, differences, recorded_settings
from mmlth.engine.contents import sha256_of as sha256_of
from mmlth.engine.errors import ANOTHER_WORK_DIR, LotteryError
from mmlth.engine.paths import SearchPaths
from mmlth.engine.settings import Settings
from mmlth.pruning import Target, kept_per_round
from mmlth.reason import reason
from mmlth.ticket import leftovers, write_bytes

_FORMAT = 'mmlth-search'
_VERSION = 1
_MORE_ROUNDS = tuple(
    f'lottery.{key}' for key in ('target_sparsity', 'rounds', 'rate', 'sparsities')
)

_OF_THE_TRUNK = (*_MORE_ROUNDS, 'lottery.sparsities', 'lottery.branch.tickets')


@dataclass
class SearchState:
    """All that is needed to continue a search, and to report on it.

    Attributes:
        config: The settings that decide the result; see `decisive_settings`.
        load_from: The checkpoint that round 0 starts from, if any.
        load_from_sha256: Of that file; None where it is no local one.
        accepted_config: The whole config, as it was when the search was last accepted; see
            `config_record`.
        seed: Seed of every round.
        world_size: Number of processes.
        targets: For each prunable parameter its name, module type and number of weights.
        parameters: Number of parameters of the model, prunable or not.
        schedule: Number of weights that each round keeps.
        rewind: The rewind step, as given and in iterations, and the file's SHA-256 once written.
        rounds: The finished rounds; what `mmlth.report` reads.
        branch: What makes a branch differ from the search that it shares the dense round with.
        begun: Of each prunable parameter a hash after the first iteration of round 0.
    """

    config: dict[str, Any]
    load_from: str | None
    seed: int
    world_size: int
    targets: list[dict[str, Any]]
    parameters: int
    schedule: list[int]
    rewind: dict[str, Any]
    rounds: list[dict[str, Any]] = field(default_factory=list)
    branch: dict[str, Any] | None = None
    load_from_sha256: str | None = None
    accepted_config: dict[str, Any] | None = None
    begun: dict[str, str] | None = None

    @property
    def finished(self) -> bool:
        """Whether all rounds are done."""
        return len(self.rounds) == len(self.schedule)

    @property
    def sizes(self) -> dict[str, int]:
        """Number of weights of each prunable parameter by name."""
        return {target['name']: target['weights'] for target in self.targets}

    def save(self, paths: SearchPaths) -> None:
        """Writes search.json atomically."""
        content = {'format': _FORMAT, 'version': _VERSION, **asdict(self)}
        write_bytes(paths.state, json.dumps(content, indent=1, ensure_ascii=False).encode())


def load_state(paths: SearchPaths) -> SearchState | None:
    """Reads search.json; None if there is none.

    Raises:
        LotteryError: If the file is damaged or of another version.
    """
    if not paths.state.exists():
        return None
    try:
        content = json.loads(paths.state.read_text(encoding='utf-8'))
        kind, version = content.pop('format'), content.pop('version')
        if (kind, version) != (_FORMAT, _VERSION):
            raise ValueError(f'format {kind!r}, version {version!r}')
        # Keys that mmlth had not yet when the search began are as they are by default.
        lottery = content['config']['lottery']
        lottery = {**decisive_lottery(Settings().to_dict()), **lottery}
        content['config'] = recorded_settings({**content['config'], 'lottery': lottery})
        return SearchState(**content)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LotteryError(
            f'{paths.state} is damaged or not of this version: {reason(error)}'
        ) from error


def check_work_dir(
    paths: SearchPaths, config: dict[str, Any], resume: bool, settings: Settings
) -> SearchState | None:
    """Decides what becomes of a search that ``work_dir`` holds.

    Args:
        paths: Its files.
        config: The settings that decide the result; see `decisive_settings`.
        resume: Whether the user wants it continued.
        settings: The ``lottery`` key.

    Returns:
        The search to continue, with more rounds where a finished one is asked for more; or None
        for a new one.

    Raises:
        LotteryError: If there is a search and neither ``resume`` nor ``overwrite`` is given, or
            the search to resume has other settings.
    """
    state = load_state(paths)
    if settings.overwrite and not resume:
        return None
    if state is None:
        # A rewind file alone is of a training that had not begun: it may hold step 0.
        remains = [paths.tickets, *paths.work_dir.glob('round_*/*.pth')]
        if not settings.overwrite and any(path.exists() for path in remains):
            raise LotteryError(
                f'{paths.work_dir} holds tickets or checkpoints of rounds but no search.json; give '
                f'{ANOTHER_WORK_DIR}, or lottery.overwrite=True to delete them'
            )
        return None
    changed = differences(state.config, config)
    if settings.branch and settings.branch.control:
        # Which tickets it has is settled with the trunk, which may have got more rounds since.
        changed = [line for line in changed if not line.startswith(_OF_THE_TRUNK)]
    shown = '; '.join(changed[:4]) + (f'; and {len(changed) - 4} more' if len(changed) > 4 else '')
    if not resume:
        kind = f'a search with other settings ({shown})' if changed else 'this search already'
        goes_on = not changed and state.world_size == get_world_size()
        mend = 'add --resume to continue it (resume=True), ' if goes_on else ''
        raise LotteryError(
            f'{paths.work_dir} holds {kind}, {len(state.rounds)} of {len(state.schedule)} rounds '
            f'done; {mend}give {ANOTHER_WORK_DIR}, or '
            'lottery.overwrite=True to delete it'
        )
    more: tuple[str, ...] = _MORE_ROUNDS
    if _no_lower(state.config['lottery']['allocation'], settings.allocation):
        more += ('lottery.allocation.',)
    if changed and state.finished and all(line.startswith(more) for line in changed):
        return replace(state, config=config, schedule=_longer(state, settings))
    if changed:
        raise LotteryError(
            f'{paths.work_dir} holds a search with other settings, which cannot be resumed with '
            f'these: {shown}; restore them, or give {ANOTHER_WORK_DIR}'
        )
    return state


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
    total, kept, done = schedule[0], schedule[-1], len(schedule) - 1
    target = settings.kept(state.sizes)
    if target >= kept:
        budgets = hasattr(build_allocation(settings.allocation), 'kept')
        key = 'budgets in lottery.allocation' if budgets else 'lottery.target_sparsity'
        got = settings.allocation if budgets else settings.target_sparsity
        raise LotteryError(
            f'the search is finished at sparsity {1 - kept / total:.4g}; further rounds need a '
            f'higher {key}, got {got}'
        )
    if settings.sparsities is not None:
        asked = settings.schedule(state.sizes)[1:]
        before = [count for count in asked if count >= kept]
        if before and before != schedule[1:]:
            raise LotteryError(
                f'lottery.sparsities={list(settings.sparsities)} begins with other rounds than the '
                f'{done} that are done, at '
                f'{", ".join(f"{1 - count / total:.4g}" for count in schedule[1:])}; list these, '
                'or only sparsities beyond them'
            )
        return schedule + asked[len(before) :]
    if settings.rounds is not None and settings.rounds <= done:
        raise LotteryError(
            f'lottery.rounds={settings.rounds} counts all rounds, of which {done} are done; give '
            f'at least {done + 1}'
        )
    rounds = settings.rounds and settings.rounds - done
    return schedule + kept_per_round(kept, 1 - target / kept, rounds, settings.rate)[1:]


def recorded_targets(targets: Iterable[Target]) -> list[dict[str, Any]]:
    """What search.json tells of the prunable weights."""
    return [{'name': t.name, 'type': t.module_type, 'weights': t.numel} for t in targets]


def set_search_aside(paths: SearchPaths) -> None:
    """Makes room for a new search; search.json goes first, so that no half of the old one stays.

    Args:
        paths: The files of both. The old one is in ``paths.replaced``, until the new one has begun.
    """
    paths.replaced.mkdir(exist_ok=True)
    for path in _own_files(paths, paths.work_dir):
        path.rename(paths.replaced / path.name)


def put_search_back(paths: SearchPaths) -> None:
    """Undoes `set_search_aside`, whatever the new search has left; search.json comes last.

    Args:
        paths: The files of both.
    """
    for path in reversed(_own_files(paths, paths.replaced)):
        there = paths.work_dir / path.name
        shutil.rmtree(there) if there.is_dir() else there.unlink(missing_ok=True)
        path.rename(there)
    paths.replaced.rmdir()


def settle_replaced(paths: SearchPaths) -> None:
    """Deletes the search that another one has replaced, or puts it back if that never began.

    Args:
        paths: The files of both.
    """
    if paths.state.exists():
        shutil.rmtree(paths.replaced, ignore_errors=True)
    elif paths.replaced.exists():
        put_search_back(paths)


def _own_files(paths: SearchPaths, folder: Path) -> list[Path]:
    """What a search writes, as far as it is in a folder; search.json first."""
    files = [paths.state] if paths.trunk else [paths.state, paths.rewind]
    named = [folder / path.name for path in (*files, paths.report, paths.tickets)]
    rounds = sorted(folder.glob('round_[0-9][0-9]*'))
    return [path for path in (*named, *rounds) if path.exists()]


def delete_leftovers(paths: SearchPaths, finished: int) -> None:
    """Removes what killed processes left behind, which may be large.

    Args:
        paths: The files of the search.
        finished: Number of rounds that are done, and need nothing to continue from.
    """
    for folder in (paths.work_dir, paths.report, paths.tickets, *paths.work_dir.glob('round_*')):
        for path in leftovers(folder):
            path.unlink()
    for index in range(finished):
        delete_interrupted(paths, index)
    if not paths.state.exists():
        for path in paths.work_dir.glob('round_*/mask.safetensors'):
            path.unlink()  # of a round that never trained, maybe by other settings


def delete_interrupted(paths: SearchPaths, index: int) -> None:
    """Removes what a round that is done once continued from."""
    for path in paths.round(index).glob(f'{Path(INTERRUPTED).stem}.*'):
        path.unlink()
    paths.mask(index).unlink(missing_ok=True)
