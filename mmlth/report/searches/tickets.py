"""The tickets of a search, counted once and then remembered."""

import functools
from dataclasses import dataclass
from pathlib import Path

from mmlth.analysis.masks import MaskProfile, profile
from mmlth.report.searches.rounds import Round, ticket_round
from mmlth.report.searches.search import Search
from mmlth.ticket import TicketError, load_info, load_mask

_REMEMBERED = 64  # masks at a bit a weight


@dataclass(frozen=True)
class RoundTicket:
    """A finished round whose ticket is at hand.

    Attributes:
        name: What tables and plots call it.
        path: The ticket's file.
        round: What the search records of the round.
        search: Name of its search; empty for a model of none.
    """

    name: str
    path: Path
    round: Round
    search: str = ''

    @property
    def profile(self) -> MaskProfile:
        """What is counted of its mask; read only where the file is another than before.

        Raises:
            TicketError: If it is no ticket that can be read.
        """
        return _profile(self.path, *stamp(self.path))


def round_tickets(search: Search, name: str = '', branch: str = '') -> tuple[RoundTicket, ...]:
    """The tickets of the rounds that are finished; those that cannot be read are left out.

    Args:
        search: A search, or a branch.
        name: The name of the search, see `search_names`.
        branch: The name of the branch that it is. Its tickets bear that in their names, and the
            numbers of the search's rounds that they belong to.
    """
    tickets = []
    for round_ in search.rounds:
        path = search.ticket(round_).resolve()
        if path.is_file() and _readable(path, *stamp(path)):
            title = f'round {round_["round"]}'
            if branch:
                title = f'{branch} round {ticket_round(round_)}'
            tickets.append(RoundTicket(title, path, round_, name))
    return tuple(tickets)


def stamp(path: Path) -> tuple[int, int]:
    """What changes when a file does: when it was written, and how long it is."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(_REMEMBERED)
def _readable(path: Path, written: int, size: int) -> bool:
    """Whether it is a ticket in a format that is known; its tensors are not looked at."""
    try:
        load_info(path)
    except TicketError:
        return False
    return True


@functools.lru_cache(_REMEMBERED)
def _profile(path: Path, written: int, size: int) -> MaskProfile:
    return profile(load_mask(path))
