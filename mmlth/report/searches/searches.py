"""Searches that differ by seed, with their branches and tickets: all that a page is made of."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mmlth.engine.configs import BRANCHES, STATE_FILE
from mmlth.messages import join_names
from mmlth.report.searches.search import Search, read_search
from mmlth.report.searches.tickets import RoundTicket, round_tickets


@dataclass(frozen=True)
class Branch:
    """A search that shares the dense round of another one.

    Attributes:
        search: What its own work_dir records.
        name: Its label, or the name of its folder: without a label, and where branches of one
            search share theirs.
        parent: The name of the search that it belongs to.
    """

    search: Search
    name: str
    parent: str

    @property
    def line(self) -> str:
        """The name of the line that it is part of, which branches of one label share."""
        return _label(self.search) or self.search.work_dir.name

    @cached_property
    def tickets(self) -> tuple[RoundTicket, ...]:
        """The tickets of its own rounds, as far as they can be read."""
        tickets = round_tickets(self.search, self.parent, self.name)
        return tuple(ticket for ticket in tickets if ticket.round['round'])


@dataclass(frozen=True)
class Searches:
    """One search, or several that differ by seed; each ``search.json`` has been read once.

    Attributes:
        every: The searches in the order in which they were named, at least one.
        branches: The branches of each search.
        metric: The single metric to show; None for the main ones.
    """

    every: tuple[Search, ...]
    branches: tuple[tuple[Branch, ...], ...]
    metric: str | None = None

    def __len__(self) -> int:
        return len(self.every)

    def __iter__(self) -> Iterator[Search]:
        return iter(self.every)

    @property
    def first(self) -> Search:
        """The search that layers and wholly zero parts are shown of."""
        return self.every[0]

    @cached_property
    def names(self) -> list[str]:
        """What tells the searches apart, see `search_names`."""
        return search_names([search.work_dir for search in self.every])

    @cached_property
    def tickets(self) -> list[tuple[RoundTicket, ...]]:
        """The tickets of each search that can be read."""
        return [round_tickets(search, name) for search, name in zip(self.every, self.names)]


def read_searches(work_dirs: Sequence[Path], metric: str | None = None) -> Searches:
    """Reads searches and all their branches, each file once.

    Args:
        work_dirs: The work_dirs of searches that differ by seed; branches are found below them.
        metric: The single metric to show; by default the main ones.

    Raises:
        FileNotFoundError: If a work_dir holds no search.
        ValueError: If a ``search.json`` is damaged.
    """
    every = tuple(read_search(Path(work_dir)) for work_dir in work_dirs)
    children = [
        [
            read_search(path.parent)
            for path in sorted(search.work_dir.glob(f'{BRANCHES}/*/{STATE_FILE}'))
        ]
        for search in every
    ]
    return Searches(every, _named(children, search_names(work_dirs)), metric)


def search_names(work_dirs: Sequence[Path]) -> list[str]:
    """Names of searches: those of their folders, with as many above as tell them apart.

    Args:
        work_dirs: The work_dirs of the searches.

    Example:
        >>> search_names([Path('/a/seed_0'), Path('/b/seed_0'), Path('/b/seed_1')])
        ['a/seed_0', 'b/seed_0', 'seed_1']
    """
    parts = [Path(os.path.abspath(work_dir)).parts for work_dir in work_dirs]
    return [_tail(own, [*parts[:i], *parts[i + 1 :]]) for i, own in enumerate(parts)]


def note_on_first(searches: Searches) -> list[str]:
    """Says that something is of the first of several searches; nothing where there is but one.

    Args:
        searches: The searches of the page.
    """
    if len(searches) < 2:
        return []
    seed, first = searches.first.seed, 'the first of the searches'
    return [f'Of {first}.' if seed is None else f'Of seed {seed}, {first}.']


def missing_tickets(searches: Searches) -> list[str]:
    """A sentence on the rounds whose ticket is gone or cannot be read, if there are such.

    Args:
        searches: The searches of the page.
    """
    sentences = []
    for search, tickets, name in zip(searches, searches.tickets, searches.names):
        there = {ticket.round['round'] for ticket in tickets}
        gone = [str(r['round']) for r in search.rounds if r['round'] not in there]
        if gone:
            of = f' of {name}' if len(searches) > 1 else ''
            rounds = 'round' if len(gone) == 1 else 'rounds'
            sentences.append(
                'Left out, for want of a ticket that this mmlth can read: '
                f'{rounds} {join_names(gone)}{of}.'
            )
    return sentences


def _named(
    children: Sequence[Sequence[Search]], parents: Sequence[str]
) -> tuple[tuple[Branch, ...], ...]:
    """Branches with names. A label that two share in one search is the name of none in any."""
    counts = [Counter(map(_label, siblings)) for siblings in children]
    shared = {label for count in counts for label, number in count.items() if number > 1}
    return tuple(
        tuple(
            Branch(
                search,
                search.work_dir.name if not (label := _label(search)) or label in shared else label,
                parent,
            )
            for search in siblings
        )
        for siblings, parent in zip(children, parents)
    )


def _label(search: Search) -> str | None:
    return search.branch.get('label')


def _tail(own: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> str:
    """The shortest end of a path that no other has; all of it where another is the same."""
    lengths = range(1, len(own) + 1)
    alone = (n for n in lengths if all(other[-n:] != own[-n:] for other in others))
    return str(Path(*own[-next(alone, len(own)) :]))
