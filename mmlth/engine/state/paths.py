"""The files of a search, all below its work_dir."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mmlth.engine.configs import BRANCHES, STATE_FILE

_MASK = 'mask.safetensors'


@dataclass(frozen=True)
class SearchPaths:
    """Names every file that a search writes; what MMEngine writes of a round is in `round`.

    Attributes:
        work_dir: Where the search is.
        parent_search: Where the search is that it branches off from, whose dense round it shares.
    """

    work_dir: Path
    parent_search: Path | None = None

    @property
    def state(self) -> Path:
        """State and results, enough to resume and to report."""
        return self.work_dir / STATE_FILE

    @property
    def rewind(self) -> Path:
        """The training state at the rewind step."""
        return (self.parent_search or self.work_dir) / 'rewind.safetensors'

    @property
    def replaced(self) -> Path:
        """Where the search is that a new one is to replace, until that has begun."""
        return self.work_dir / '.replaced'

    def round(self, index: int) -> Path:
        """The work_dir of one round's training."""
        return self.work_dir / f'round_{index:02d}'

    def rounds(self) -> Iterator[Path]:
        """The work_dirs of all rounds that were begun."""
        return self.work_dir.glob('round_*')

    def mask(self, index: int) -> Path:
        """The mask of a round that is not done yet."""
        return self.round(index) / _MASK

    def masks(self) -> Iterator[Path]:
        """The masks of all rounds that are not done yet."""
        return self.work_dir.glob(f'round_*/{_MASK}')

    def ticket(self, index: int) -> Path:
        """The ticket that a round ended with."""
        return (
            self.parent_ticket(0)
            if self.parent_search and index == 0
            else self.tickets / _ticket(index)
        )

    @property
    def tickets(self) -> Path:
        """The folder of its own tickets."""
        return self.work_dir / 'tickets'

    def parent_ticket(self, index: int) -> Path:
        """The ticket that a round of the search ended with that this one branches off from."""
        return (self.parent_search or self.work_dir) / 'tickets' / _ticket(index)

    @property
    def branches(self) -> Path:
        """The folder of the searches that branch off from this one."""
        return self.work_dir / BRANCHES

    @property
    def report(self) -> Path:
        """Tables and plots."""
        return self.work_dir / 'report'


def rewind_file_of(ticket: Path) -> Path:
    """Where the search of a ticket has its rewind file; tickets are ``WORK_DIR/tickets/X``."""
    return SearchPaths(ticket.absolute().parent.parent).rewind


def state_file_of(ticket: Path) -> Path | None:
    """The ``search.json`` of a ticket's search, ``WORK_DIR/tickets/X`` or ``WORK_DIR/round_NN/X``.

    None if there is none.
    """
    state = SearchPaths(ticket.absolute().parent.parent).state
    return state if state.is_file() else None


def bench_folder_of(ticket: Path) -> Path:
    """Where the speed of a ticket is written, and looked for by reports.

    That is ``WORK_DIR/bench/NAME`` for ``WORK_DIR/tickets/NAME.safetensors`` of a search, else
    ``work_dirs/NAME_bench``.
    """
    search = SearchPaths(ticket.absolute().parent.parent)
    if ticket.absolute().parent == search.tickets and search.state.is_file():
        return search.work_dir / 'bench' / ticket.stem
    return Path('work_dirs') / f'{ticket.stem}_bench'


def _ticket(index: int) -> str:
    return f'round_{index:02d}.safetensors'
