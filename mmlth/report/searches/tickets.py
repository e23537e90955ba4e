"""The tickets of a search, counted once and then remembered."""

import functools
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmlth.analysis.masks import MaskProfile, profile
from mmlth.messages import join_names
from mmlth.report.searches.multi_seed import search_names
from mmlth.report.searches.rounds import Round, read_rounds, ticket_round
from mmlth.ticket import TicketError, load_info, load_mask

_REMEMBERED = 64  # masks at a bit a weight


@dataclass(frozen=True)
class RoundTicket:
    """A finished round whose ticket is at hand.

    Attributes:
        name: For tables and plots.
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


@dataclass(frozen=True)
class Branch:
    """A search that shares the dense round of another one.

    Attributes:
        name: Its label, or the name of its folder: without a label, and where branches of one
            search share theirs.
        folder: Its work_dir.
        search: Name of the search that it belongs to.
        told: What its ``search.json`` says of it: ``control``, ``seed``, …
    """

    name: str
    folder: Path
    search: str
    told: Mapping[str, Any]

    @property
    def tickets(self) -> tuple[RoundTicket, ...]:
        """Of its own rounds, those that can be read.

        Raises:
            ValueError: If its ``search.json`` is damaged.
        """
        found = round_tickets(self.folder, self.search, self.name)
        return tuple(ticket for ticket in found if ticket.round['round'])


def round_tickets(work_dir: Path, search: str = '', branch: str = '') -> tuple[RoundTicket, ...]:
    """The tickets of the rounds that are finished; those that cannot be read are left out.

    Args:
        work_dir: Of a search.
        search: Its name, see `search_names`.
        branch: The name of the branch that it is. Its tickets bear that in their names, and the
            numbers of the search's rounds that they belong to.

    Raises:
        FileNotFoundError: If it holds no search.
        ValueError: If ``search.json`` is damaged.
    """
    found = []
    for round_ in read_rounds(work_dir):
        path = (Path(work_dir) / round_['ticket']).resolve()
        if path.is_file() and _readable(path, *stamp(path)):
            name = f'round {round_["round"]}'
            if branch:
                name = f'{branch} round {ticket_round(round_)}'
            found.append(RoundTicket(name, path, round_, search))
    return tuple(found)


def tickets_of(work_dirs: Sequence[Path]) -> list[tuple[RoundTicket, ...]]:
    """The same of several searches, of which the tickets tell the names.

    Args:
        work_dirs: Of the searches.

    Raises:
        FileNotFoundError: If one holds no search.
        ValueError: If a ``search.json`` is damaged.
    """
    names = search_names(work_dirs)
    return [round_tickets(work_dir, name) for work_dir, name in zip(work_dirs, names)]


def branches(work_dirs: Sequence[Path]) -> list[list[Branch]]:
    """The branches of each of several searches.

    Args:
        work_dirs: Of the searches.
    """
    found = []
    for work_dir in work_dirs:
        paths = sorted(Path(work_dir).glob('branches/*/search.json'))
        told = [json.loads(path.read_text(encoding='utf-8'))['branch'] for path in paths]
        found.append([(path.parent, each) for path, each in zip(paths, told)])
    # Shared in one search, a label tells too little in all: the same branch has one name in each.
    counts = [Counter(told.get('label') for _, told in each) for each in found]
    shared = {label for each in counts for label, count in each.items() if count > 1}
    return [
        [
            Branch(_name(told.get('label'), folder, shared), folder, search, told)
            for folder, told in each
        ]
        for each, search in zip(found, search_names(work_dirs))
    ]


def missing_tickets(work_dirs: Sequence[Path], found: Sequence[Sequence[RoundTicket]]) -> list[str]:
    """A sentence on the rounds whose ticket is gone or cannot be read, if there are such.

    Args:
        work_dirs: Of the searches.
        found: The tickets of each.
    """
    sentences = []
    for work_dir, tickets, name in zip(work_dirs, found, search_names(work_dirs)):
        there = {ticket.round['round'] for ticket in tickets}
        gone = [str(r['round']) for r in read_rounds(work_dir) if r['round'] not in there]
        if gone:
            of = f' of {name}' if len(work_dirs) > 1 else ''
            rounds = 'round' if len(gone) == 1 else 'rounds'
            sentences.append(
                f'Left out, for want of a ticket that this mmlth can read: {rounds} '
                f'{join_names(gone)}'
                f'{of}.'
            )
    return sentences


def stamp(path: Path) -> tuple[int, int]:
    """What changes when a file does: when it was written, and how long it is."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size


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


def _name(label: str | None, folder: Path, shared: Collection[str | None]) -> str:
    return folder.name if not label or label in shared else label
