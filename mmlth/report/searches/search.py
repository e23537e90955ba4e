"""A search as its work_dir records it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmlth.engine.configs import recorded_settings
from mmlth.engine.state import SearchPaths
from mmlth.messages import reason
from mmlth.report.searches.rounds import Round


@dataclass(frozen=True)
class Search:
    """A search, finished or not.

    Attributes:
        work_dir: Its folder.
        state: What ``search.json`` holds.
        rounds: The finished rounds in order; empty while round 0 still trains.
    """

    work_dir: Path
    state: Mapping[str, Any]
    rounds: list[Round]

    @property
    def planned(self) -> int:
        """Number of rounds in the end, the dense one included."""
        return len(self.state.get('schedule', self.rounds))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The config, as far as it decides the result."""
        settings = self.state.get('config')
        return recorded_settings(settings) if settings else {}

    @property
    def lottery(self) -> Mapping[str, Any]:
        """The ``lottery`` key with all defaults spelled out."""
        return self.settings.get('lottery') or {}

    @property
    def branch(self) -> Mapping[str, Any]:
        """What makes it a branch of another search; empty where it is none."""
        return self.state.get('branch') or {}

    @property
    def control(self) -> Any:
        """The control that its rounds are, by name or with options; None in a search."""
        return self.branch.get('control')

    @property
    def prunable(self) -> int:
        """Number of prunable weights."""
        if self.rounds:
            return self.rounds[0]['prunable']
        return sum(target['weights'] for target in self.state.get('targets') or [])

    @property
    def has_dense(self) -> bool:
        """Whether its round 0 is the dense model, rather than trained by ``lottery.method``."""
        return not self.lottery.get('method') or bool(self.branch)

    @property
    def target(self) -> float:
        """Sparsity after the last round, of what the search counts, in [0, 1]."""
        schedule = self.state.get('schedule') or [1]
        costs = self.state.get('costs') or {}
        targets = [] if self.has_dense else self.state['targets']
        total = sum(target['weights'] * costs.get(target['name'], 1) for target in targets)
        return 1 - schedule[-1] / (total or schedule[0])

    @property
    def seed(self) -> int | None:
        """The seed of the training."""
        return self.state.get('seed')

    @property
    def model(self) -> str:
        """Class of the model."""
        return str((self.settings.get('model') or {}).get('type', 'a model'))

    def ticket(self, round_: Round) -> Path:
        """The file of a round's ticket."""
        return self.work_dir / round_['ticket']


def read_search(work_dir: Path) -> Search:
    """Reads what a search has recorded so far.

    Args:
        work_dir: The work_dir of a search, or of a branch.

    Raises:
        FileNotFoundError: If there is no ``search.json``.
        ValueError: If it does not record a search.
    """
    path = SearchPaths(Path(work_dir)).state
    try:
        state = json.loads(path.read_text(encoding='utf-8'))
        rounds = state['rounds']
    except FileNotFoundError:
        raise FileNotFoundError(
            f'{path} not found: is its folder the work_dir of a search?'
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path} does not record a search: {reason(error)}') from error
    if not isinstance(rounds, list):
        raise ValueError(f"{path} does not record a search: 'rounds' is not a list")
    return Search(Path(work_dir), state, rounds)


def read_rounds(work_dir: Path) -> list[Round]:
    """Reads the rounds that a search has finished so far.

    Args:
        work_dir: The work_dir of the search.

    Returns:
        The rounds in order; empty while round 0 still trains.

    Raises:
        FileNotFoundError: If there is no ``search.json``.
        ValueError: If it does not record a search.
    """
    return read_search(work_dir).rounds
