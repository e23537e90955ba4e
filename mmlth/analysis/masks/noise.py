"""How much of a ticket's mask is flipped in a mask that was made from it by noise."""

from dataclasses import dataclass

from mmlth.pruning import Overlap


@dataclass(frozen=True)
class Flips:
    """Shares of a mask's bits that are flipped, in [0, 1].

    Attributes:
        kept: Of the weights that the ticket keeps, those that the noise removes.
        pruned: Of the weights that it removes, those that the noise keeps.
        all: Of all weights those of either kind: the normalised Hamming distance.
    """

    kept: float
    pruned: float
    all: float


def flips(pair: Overlap) -> Flips:
    """What noise has flipped.

    Args:
        pair: The ticket's mask and the one with noise, all layers together.
    """
    pruned = pair.total - pair.first
    return Flips(
        (pair.first - pair.both) / pair.first if pair.first else 0.0,
        (pair.second - pair.both) / pruned if pruned else 0.0,
        pair.hamming,
    )
