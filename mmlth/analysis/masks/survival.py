"""How dense each part of a model is in each of several tickets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmlth.analysis.masks.layers import Layer, Module, density


@dataclass(frozen=True)
class Survival:
    """What is left of layers or modules, ticket by ticket.

    Attributes:
        names: The names of the P parts.
        weights: The number of weights of each part.
        parts: float64 [P, T]: the density of each part in each of T tickets, in [0, 1].
        whole: float64 [T]: the density of all prunable weights of each.
    """

    names: tuple[str, ...]
    weights: tuple[int, ...]
    parts: npt.NDArray[np.float64]
    whole: npt.NDArray[np.float64]

    @property
    def relative(self) -> npt.NDArray[np.float64]:
        """float64 [P, T]: the same over that of the whole: above 1 more of a part survives.

        NaN where a ticket keeps nothing.
        """
        whole = np.broadcast_to(self.whole, self.parts.shape)
        return np.divide(self.parts, whole, out=np.full_like(self.parts, np.nan), where=whole > 0)


def survival(tickets: Sequence[Sequence[Layer | Module]]) -> Survival:
    """Puts the densities of several tickets side by side.

    Args:
        tickets: The layers, or the modules, of each.

    Raises:
        ValueError: If they differ in their parts.
    """
    first = [(part.name, part.total) for part in tickets[0]] if tickets else []
    for i, ticket in enumerate(tickets):
        odd = {*first} ^ {(part.name, part.total) for part in ticket}
        if odd:
            raise ValueError(
                'tickets of one model have the same parts; not so the first and number '
                f'{i + 1} of these: {min(odd)[0]!r}'
            )
    densities = [{part.name: part.density for part in ticket} for ticket in tickets]
    kept = [sum(part.kept for part in ticket) for ticket in tickets]
    total = sum(weights for _, weights in first)
    return Survival(
        tuple(name for name, _ in first),
        tuple(weights for _, weights in first),
        np.array([[each[name] for each in densities] for name, _ in first], np.float64).reshape(
            len(first), len(tickets)
        ),
        np.array([density(count, total) for count in kept], np.float64),
    )
