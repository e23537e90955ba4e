"""search.json: the state and the results of a search."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmlth.engine.configs import decisive_lottery, recorded_settings
from mmlth.engine.configs import sha256_of as sha256_of
from mmlth.engine.errors import LotteryError
from mmlth.engine.search.paths import SearchPaths
from mmlth.engine.settings import Settings
from mmlth.messages import reason
from mmlth.pruning import Target
from mmlth.ticket import write_bytes

_FORMAT = 'mmlth-search'


_VERSION = 1


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
    files = [paths.state] if paths.parent_search else [paths.state, paths.rewind]
    named = [folder / path.name for path in (*files, paths.report, paths.tickets)]
    rounds = sorted(folder.glob('round_[0-9][0-9]*'))
    return [path for path in (*named, *rounds) if path.exists()]
