"""How far two trained networks of one architecture are from each other, weight by weight.

The measures of Frankle et al., *Stabilizing the Lottery Ticket Hypothesis* (2019,
https://arxiv.org/abs/1903.01611), by layer and overall:

- **Stability to pruning**: ‖m⊙W − m⊙W′‖₂ of W, trained dense from W_k, and W′, trained from m⊙W_k
  by the same data in the same order.
- **Stability to data order**: the same of two trainings of m⊙W_k by different orders.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class WeightDistance:
    """Two vectors of weights, or the sums over several such pairs.

    Attributes:
        name: The parameter's name.
        weights: Number of weights that are compared: those that the mask keeps.
        squared: Squared distance.
        dot: Scalar product.
        norms: Squared norms.
    """

    name: str
    weights: int
    squared: float
    dot: float
    norms: tuple[float, float]

    @property
    def l2(self) -> float:
        """Euclidean distance."""
        return math.sqrt(self.squared)

    @property
    def angle(self) -> float | None:
        """The angle between the vectors in degrees, in [0, 180]; None where one of them is zero."""
        lengths = math.sqrt(self.norms[0]) * math.sqrt(self.norms[1])
        if not lengths:
            return None
        return math.degrees(math.acos(min(1.0, max(-1.0, self.dot / lengths))))


def weight_distances(
    first: Mapping[str, Tensor],
    second: Mapping[str, Tensor],
    mask: Mapping[str, Tensor],
    origin: Mapping[str, Tensor] | None = None,
) -> list[WeightDistance]:
    """Compares the weights that a mask keeps, layer by layer.

    Args:
        first: Weights by parameter name, of any floating dtype; what the mask does not name is
            ignored.
        second: Others of the same names and shapes.
        mask: Bool tensors by parameter name, true where the weight is kept.
        origin: Where the angle is measured from: W_k, say, so that it is between the ways that the
            two trainings went. By default from zero. The distance does not depend on it.

    Returns:
        A distance a masked weight, in the order of the mask; `overall` sums them up.

    Raises:
        ValueError: If a weight is missing or of another shape.

    Example:
        >>> import torch
        >>> a, b = {'w': torch.tensor([3.0, 0.0, 9.0])}, {'w': torch.tensor([0.0, 4.0, 7.0])}
        >>> (distance,) = weight_distances(a, b, {'w': torch.tensor([True, True, False])})
        >>> distance.l2, distance.angle
        (5.0, 90.0)
    """
    distances = []
    for name, kept in mask.items():
        vectors = []
        for number, state in enumerate((first, second, *([] if origin is None else [origin]))):
            if name not in state or state[name].shape != kept.shape:
                shape = tuple(state[name].shape) if name in state else 'no such weight'
                where = ('the first', 'the second', 'the origin')[number]
                raise ValueError(
                    f'the mask of {name!r} has shape {tuple(kept.shape)}, but {where} network has '
                    f'{shape}; give networks of one model'
                )
            vectors.append(state[name].detach().cpu()[kept.cpu()].double())
        one, other = vectors[:2]
        squared = float((one - other).square().sum())
        if origin is not None:
            one, other = one - vectors[2], other - vectors[2]
        norms = float(one.square().sum()), float(other.square().sum())
        distances.append(WeightDistance(name, one.numel(), squared, float(one @ other), norms))
    return distances


def overall(distances: Iterable[WeightDistance], name: str = 'all') -> WeightDistance:
    """The distance of all layers together, as of one long vector.

    Args:
        distances: The distances by layer, as `weight_distances` finds them.
        name: What to call them.
    """
    listed = list(distances)
    return WeightDistance(
        name,
        sum(each.weights for each in listed),
        math.fsum(each.squared for each in listed),
        math.fsum(each.dot for each in listed),
        (math.fsum(d.norms[0] for d in listed), math.fsum(d.norms[1] for d in listed)),
    )
