"""What is of the same round in searches that differ by seed."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from mmlth.report.searches.rounds import round_sparsity

_Item = TypeVar('_Item')


def same_rounds(
    items: Iterable[_Item], place: Callable[[_Item], tuple[int, float]]
) -> list[list[_Item]]:
    """Joins what is of the same round in searches that differ by seed.

    Args:
        items: What is known of rounds of any searches.
        place: Tells of an item the number of its round and its sparsity. Rounds of another sparsity
            are not the same, whatever their number.

    Returns:
        The items of each round, in order of number and sparsity.
    """
    groups: dict[tuple[int, float], list[_Item]] = {}
    for item in items:
        number, sparsity = place(item)
        groups.setdefault((number, round_sparsity(sparsity)), []).append(item)
    return [groups[key] for key in sorted(groups)]
