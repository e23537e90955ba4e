"""Which layers a mask leaves next to nothing of, while the network keeps much more."""

import math
from collections.abc import Mapping

MOST = 0.02
"""A layer that keeps more than this share of its weights is not starved, unless by the floor."""
FAR_BELOW = 0.1
"""Nor is one whose density is more than this share of the whole network's."""
BELOW = 0.5
"""At the floor or with a single weight left, one whose density is not even below this share."""


def starved(kept: Mapping[str, tuple[int, int]], floor: float = 0.0) -> dict[str, float]:
    """The layers that keep something, but far less than the network does.

    They keep at most a tenth of the network's density and at most 2 %, in whole weights, or no more
    than the floor, where that is less than half of the network's density. No allocation that
    spreads by layers brings a layer there; a ranking of all layers together does where one layer's
    scores are all below those of others, and the model may then fail without a word.

    Args:
        kept: How many weights of each layer are kept, and how many it has, by parameter name.
        floor: The smallest share of a layer that is kept, as ``lottery.floor``.

    Returns:
        The densities of these layers in [0, 1], the lowest first.

    Example:
        >>> starved({'a': (1, 1000), 'b': (900, 1000), 'c': (0, 1000)})
        {'a': 0.001}
    """
    total = sum(size for _, size in kept.values())
    whole = sum(count for count, _ in kept.values()) / total if total else 0.0
    share = max(min(MOST, FAR_BELOW * whole), floor)
    poor = {
        name: count / size
        for name, (count, size) in kept.items()
        if 0 < count <= math.ceil(share * size - 1e-9) and count / size < BELOW * whole
    }
    return dict(sorted(poor.items(), key=lambda item: item[1]))
