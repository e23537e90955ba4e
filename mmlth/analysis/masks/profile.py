"""What is counted of a mask, small enough to keep that of many."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from mmlth.analysis.masks.layers import Layer, density, layers


@dataclass(frozen=True)
class MaskProfile:
    """A mask by its numbers and its bits, an eighth of what the mask itself takes.

    Attributes:
        layers: What is kept of each masked weight, in the order of the mask.
        bits: uint8 [bytes]: the masks of the layers in the order of their names, a bit a weight,
            set where it is kept; the last byte of each is filled up with 0.
    """

    layers: tuple[Layer, ...]
    bits: npt.NDArray[np.uint8]

    @property
    def kept(self) -> int:
        """Number of weights kept."""
        return sum(layer.kept for layer in self.layers)

    @property
    def total(self) -> int:
        """Number of weights, kept or not."""
        return sum(layer.total for layer in self.layers)

    @property
    def density(self) -> float:
        """Share of the weights that is kept, in [0, 1]."""
        return density(self.kept, self.total)


def profile(mask: Mapping[str, Tensor]) -> MaskProfile:
    """Counts a mask.

    Args:
        mask: Bool tensors by parameter name, true where the weight is kept.
    """
    bits = [np.packbits(mask[name].numpy().reshape(-1)) for name in sorted(mask)]
    return MaskProfile(tuple(layers(mask)), np.concatenate([np.empty(0, np.uint8), *bits]))
