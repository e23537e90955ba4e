"""The files of a search, all below its work_dir."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SearchPaths:
    """Names every file that a search writes; what MMEngine writes of a round is in `round`."""

    work_dir: Path

    @property
    def state(self) -> Path:
        """State and results, enough to resume and to report."""
        return self.work_dir / 'search.json'

    @property
    def rewind(self) -> Path:
        """The training state at the rewind step."""
        return self.work_dir / 'rewind.safetensors'

    def round(self, index: int) -> Path:
        """The work_dir of one round's training."""
        return self.work_dir / f'round_{index:02d}'

    def ticket(self, index: int) -> Path:
        """The ticket that a round ended with."""
        return self.work_dir / 'tickets' / f'round_{index:02d}.safetensors'

    @property
    def report(self) -> Path:
        """Tables and plots."""
        return self.work_dir / 'report'
