"""Several searches beside each other, which differ by seed."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from mmlth.report.searches.rounds import level
from mmlth.report.searches.search import read_search

_Item = TypeVar('_Item')


def search_names(work_dirs: Sequence[Path]) -> list[str]:
    """Names of searches: those of their folders, with as many above as tell them apart.

    Args:
        work_dirs: Of the searches.

    Example:
        >>> search_names([Path('/a/seed_0'), Path('/b/seed_0'), Path('/b/seed_1')])
        ['a/seed_0', 'b/seed_0', 'seed_1']
    """
    parts = [Path(os.path.abspath(work_dir)).parts for work_dir in work_dirs]
    return [_tail(own, [*parts[:i], *parts[i + 1 :]]) for i, own in enumerate(parts)]


def of_the_first(work_dirs: Sequence[Path]) -> list[str]:
    """Says that something is of the first of several searches; nothing where there is but one.

    Args:
        work_dirs: Of the searches.

    Raises:
        FileNotFoundError: If the first is no search.
        ValueError: If its ``search.json`` is damaged.
    """
    if len(work_dirs) < 2:
        return []
    seed = read_search(work_dirs[0]).seed
    first = 'the first of the searches'
    return [f'Of {first}.' if seed is None else f'Of seed {seed}, {first}.']


def same_rounds(
    items: Iterable[_Item], place: Callable[[_Item], tuple[int, float]]
) -> list[list[_Item]]:
    """Joins what is of the same round in searches that differ by seed.

    Args:
        items: Of rounds of any searches.
        place: Tells of an item the number of its round and its sparsity. Rounds of another sparsity
            are not the same, whatever their number.

    Returns:
        The items of each round, in order of number and sparsity.
    """
    groups: dict[tuple[int, float], list[_Item]] = {}
    for item in items:
        number, sparsity = place(item)
        groups.setdefault((number, level(sparsity)), []).append(item)
    return [groups[key] for key in sorted(groups)]


def _tail(own: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> str:
    """The shortest end of a path that no other has; all of it where another is the same."""
    lengths = range(1, len(own) + 1)
    alone = (n for n in lengths if all(other[-n:] != own[-n:] for other in others))
    return str(Path(*own[-next(alone, len(own)) :]))
