"""Parts of weights that are wholly zero, beside how many chance would empty.

Chen et al. (CVPR 2021, https://arxiv.org/abs/2012.06908) count the k × k kernels that a mask
empties. The sparser a mask, the more of them chance empties, too.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mmlth.analysis.masks.layers import Layer, Zeros

Kind = Literal['kernels', 'outputs', 'inputs']
PART_KINDS: tuple[Kind, ...] = ('kernels', 'outputs', 'inputs')
"""See `Layer`; of kernels those larger than 1 × 1, for the others are single weights."""


@dataclass(frozen=True)
class ZeroParts:
    """Parts of one kind.

    Attributes:
        zero: How many keep no weight.
        of: How many there are.
        chance: How many would keep none in the mean if each layer kept as many weights, but
            anywhere.
    """

    zero: int
    of: int
    chance: float

    @property
    def share(self) -> float:
        """Share of the parts that keep no weight, in [0, 1]."""
        return self.zero / self.of

    @property
    def chance_share(self) -> float:
        """Share of the parts that chance would empty, in [0, 1]."""
        return self.chance / self.of


def zero_parts(layers: Iterable[Layer], kind: Kind) -> ZeroParts | None:
    """Counts the parts of several layers; None where they have none.

    Args:
        layers: The layers of a mask.
        kind: The kind of part.
    """
    counted = [(layer, parts) for layer in layers if (parts := _parts(layer, kind)) and parts.of]
    if not counted:
        return None
    return ZeroParts(
        sum(parts.zero for _, parts in counted),
        sum(parts.of for _, parts in counted),
        sum(
            parts.of * empty_by_chance(layer.total, layer.kept, layer.total // parts.of)
            for layer, parts in counted
        ),
    )


def empty_by_chance(total: int, kept: int, size: int) -> float:
    """Probability that none of ``kept`` of ``total`` weights, drawn at random, is in a part.

    Args:
        total: Number of weights.
        kept: How many are drawn.
        size: Number of weights in the part.

    Example:
        >>> round(empty_by_chance(4, 2, 1), 3), round(empty_by_chance(4, 2, 2), 3)
        (0.5, 0.167)
    """
    if kept > total - size:
        return 0.0
    pruned = total - kept  # C(total - size, kept) / C(total, kept)
    return math.exp(
        math.lgamma(total - size + 1)
        - math.lgamma(pruned - size + 1)
        - math.lgamma(total + 1)
        + math.lgamma(pruned + 1)
    )


def _parts(layer: Layer, kind: Kind) -> Zeros | None:
    if kind == 'kernels' and math.prod(layer.shape[2:]) <= 1:
        return None
    parts: Zeros | None = getattr(layer, kind)
    return parts
