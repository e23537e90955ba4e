"""search.json: the state and the results of a search."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mmlth.engine.configs import STATE_FORMAT, decisive_lottery, recorded_settings
from mmlth.engine.errors import LotteryError
from mmlth.engine.settings import Settings
from mmlth.engine.state.paths import SearchPaths
from mmlth.messages import reason
from mmlth.pruning import Target, amounts
from mmlth.ticket import write_bytes
from mmlth_common.lottery import names_of

_VERSION = 1
MACS_KEYS = ('prunable_macs', 'kept_macs')
"""What the record of a round has beside, where a search counts multiply-adds."""


@dataclass
class SearchState:
    """All that is needed to continue a search, and to report on it.

    Attributes:
        config: The settings that decide the result; see `result_affecting_config`.
        load_from: The checkpoint that round 0 starts from, if any.
        load_from_sha256: The SHA-256 of that file; None where it is no local one.
        accepted_config: The whole config, as it was when the search was last accepted; see
            `config_record`.
        seed: Seed of every round.
        world_size: Number of processes.
        targets: For each prunable parameter its name, module type and number of weights.
        parameters: Number of parameters of the model, prunable or not.
        schedule: How many weights each round keeps; with ``costs``, how many multiply-adds.
        rewind: The rewind step, as given and in iterations, and the file's SHA-256 once written.
        rounds: The finished rounds; what `mmlth.report` reads.
        branch: What makes a branch differ from the search that it shares the dense round with.
        begun: For each prunable parameter a hash after the first iteration of round 0.
        costs: The multiply-adds that one weight of each prunable parameter takes, where these are
            what the search counts.
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
    costs: dict[str, int] | None = None

    @property
    def finished(self) -> bool:
        """Whether all rounds are done."""
        return len(self.rounds) == len(self.schedule)

    @property
    def last_round(self) -> int:
        """Index of the last round, done or not."""
        return len(self.schedule) - 1

    @property
    def sizes(self) -> dict[str, int]:
        """Number of weights of each prunable parameter by name."""
        return {target['name']: target['weights'] for target in self.targets}

    @property
    def amounts(self) -> dict[str, int]:
        """What the schedule counts of each prunable parameter: weights, or multiply-adds."""
        return amounts(self.sizes, self.costs)

    @property
    def rewind_what(self) -> str:
        """What the rounds after the dense one start from; see `Settings`."""
        return str(self.rewind['what'])

    @property
    def after_rewind(self) -> str:
        """How they go on from there; see `Settings`."""
        return str(self.rewind['after'])

    @property
    def first_iteration(self) -> int:
        """The iteration that the rounds after the dense one start at."""
        return first_iteration(self.rewind)

    def save(self, paths: SearchPaths) -> None:
        """Writes search.json atomically."""
        content = {'format': STATE_FORMAT, 'version': _VERSION, **asdict(self)}
        if self.costs is None:
            del content['costs']  # a search that counts weights is recorded as ever
        write_bytes(paths.state, json.dumps(content, indent=1, ensure_ascii=False).encode())


def first_iteration(rewind: Mapping[str, Any]) -> int:
    """The iteration that the rounds after the dense one start at.

    Args:
        rewind: What search.json tells of the rewind step, once the dense round is done.
    """
    anew = rewind['after'] == 'full' or rewind['what'] == 'reinit'
    return 0 if anew else int(rewind['iteration'])


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
        if (kind, version) != (STATE_FORMAT, _VERSION):
            raise ValueError(f'format {kind!r}, version {version!r}')
        # Keys that mmlth had not yet when the search began are as they are by default.
        lottery = content['config']['lottery']
        lottery = {**decisive_lottery(Settings().to_dict()), **lottery}
        # In the order of a new search, since tickets hold them as text.
        order = [key for key in (*names_of(Settings), *lottery) if key in lottery]
        lottery = {key: lottery[key] for key in order}
        content['config'] = recorded_settings({**content['config'], 'lottery': lottery})
        return SearchState(**content)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LotteryError(
            f'{paths.state} is damaged or not of this version: {reason(error)}'
        ) from error


def recorded_targets(targets: Iterable[Target]) -> list[dict[str, Any]]:
    """What search.json tells of the prunable weights."""
    return [{'name': t.name, 'type': t.module_type, 'weights': t.numel} for t in targets]
