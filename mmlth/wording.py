"""How messages put things."""

from collections.abc import Iterable


def some(names: Iterable[str], most: int = 4) -> str:
    """The first names, and how many there are beside.

    Example:
        >>> some(['neck', 'head', 'mask'], most=2)
        'neck, head and 1 more'
    """
    listed = list(names)
    more = f' and {len(listed) - most} more' if len(listed) > most else ''
    return ', '.join(listed[:most]) + more
