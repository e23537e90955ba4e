"""Which layers a mask leaves next to nothing of, while the network keeps much more."""

from collections.abc import Mapping

MOST = 0.02
"""A layer that keeps more than this share of its weights is not starved, whatever others keep."""
FAR_BELOW = 0.1
"""A layer is starved where its density is at most this share of the whole network's."""


def starved(densities: Mapping[str, float], whole: float) -> dict[str, float]:
    """The layers that keep something, but far less than the network does.

    Global magnitude pruning seldom brings a layer there; a score that ranks whole layers below
    others does, and the model then fails without a word. See `MOST` and `FAR_BELOW`.

    Args:
        densities: Share of each layer's weights that is kept, in [0, 1], by parameter name.
        whole: The same of all prunable weights together.

    Returns:
        The densities of these layers, the lowest first.

    Example:
        >>> starved({'a': 0.001, 'b': 0.9, 'c': 0.0}, 0.5)
        {'a': 0.001}
    """
    most = min(MOST, FAR_BELOW * whole)
    poor = {name: density for name, density in densities.items() if 0 < density <= most}
    return dict(sorted(poor.items(), key=lambda item: item[1]))
