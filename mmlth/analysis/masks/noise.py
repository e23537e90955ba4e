"""How much of a ticket's mask is flipped in a mask that was made from it by noise."""

from dataclasses import dataclass

from mmlth.pruning import Overlap


@dataclass(frozen=True)
class Flips:
    """Shares of a mask's bits that are flipped, in [0, 1].

    Attributes:
        kept: The share that the noise removes of the weights that the ticket keeps.
        pruned: The share that the noise keeps of the weights that it removes.
        all: The share of all weights that are of either kind: the normalised Hamming distance.
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
