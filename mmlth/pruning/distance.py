"""How far two masks of one model are from each other.

`iou` is that of Chen et al. (CVPR 2021, https://arxiv.org/abs/2012.06908), `hamming` that by which
You et al. (ICLR 2020, https://arxiv.org/abs/1909.11957) tell that a mask has converged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Overlap:
    """Two masks of the same weights; numbers of weights.

    Attributes:
        total: Weights.
        first: Kept by the first mask.
        second: Kept by the second mask.
        both: Kept by both.
    """

    total: int
    first: int
    second: int
    both: int

    @property
    def union(self) -> int:
        """Weights that either mask keeps."""
        return self.first + self.second - self.both

    @property
    def iou(self) -> float | None:
        """Intersection over union, in [0, 1]; None where both masks keep nothing."""
        return self.both / self.union if self.union else None

    @property
    def hamming(self) -> float:
        """Share of the weights in which the masks differ, in [0, 1]; of no weights, 0."""
        return (self.union - self.both) / self.total if self.total else 0.0

    @property
    def chance_both(self) -> float:
        """Weights that two independent masks of these densities are expected to share."""
        return self.first * self.second / self.total if self.total else 0.0

    @property
    def chance_iou(self) -> float | None:
        """What `chance_iou` gives for the densities of these masks."""
        if not self.total:
            return None
        return chance_iou(self.first / self.total, self.second / self.total)


def overlap(first: Tensor, second: Tensor, within: Tensor | None = None) -> Overlap:
    """Counts what two masks share.

    Args:
        first: Bool tensor, true where the weight is kept.
        second: Another of its shape.
        within: A third; only the weights that it keeps are counted.

    Raises:
        ValueError: If the shapes differ.
    """
    others = [second] if within is None else [second, within]
    for other in others:
        if other.shape != first.shape:
            raise ValueError(
                f'masks of one weight have one shape, got {tuple(first.shape)} and '
                f'{tuple(other.shape)}'
            )
    if within is not None:
        first, second = first & within, second & within
    counts = (int(torch.count_nonzero(kept)) for kept in (first, second, first & second))
    total = first.numel() if within is None else int(torch.count_nonzero(within))
    return Overlap(total, *counts)


def overlaps(
    first: Mapping[str, Tensor],
    second: Mapping[str, Tensor],
    within: Mapping[str, Tensor] | None = None,
) -> dict[str, Overlap]:
    """`overlap` by layer.

    Args:
        first: Bool tensors by parameter name, true where the weight is kept.
        second: Others of the same names and shapes.
        within: A third; only the weights that it keeps are counted.

    Raises:
        ValueError: If names or shapes differ.
    """
    for other in (second, within):
        odd = set() if other is None else first.keys() ^ other.keys()
        if odd:
            raise ValueError(f'masks of one model name the same weights; not so {min(odd)!r}')
    return {
        name: overlap(kept, second[name], None if within is None else within[name])
        for name, kept in first.items()
    }


def together(parts: Iterable[Overlap]) -> Overlap:
    """Several weights counted as one."""
    listed = list(parts)
    return Overlap(
        sum(part.total for part in listed),
        sum(part.first for part in listed),
        sum(part.second for part in listed),
        sum(part.both for part in listed),
    )


def iou(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> float | None:
    """Intersection over union of two masks, all layers together: |a ∩ b| / |a ∪ b|.

    Args:
        first: Bool tensors by parameter name, true where the weight is kept.
        second: Others of the same names and shapes.

    Returns:
        A share in [0, 1]; None where both keep nothing.

    Raises:
        ValueError: If names or shapes differ.

    Example:
        >>> import torch
        >>> a, b = torch.tensor([True, True, False]), torch.tensor([False, True, True])
        >>> round(iou({'w': a}, {'w': b}), 3)
        0.333
    """
    return together(overlaps(first, second).values()).iou


def hamming(
    first: Mapping[str, Tensor],
    second: Mapping[str, Tensor],
    within: Mapping[str, Tensor] | None = None,
) -> float:
    """Normalised Hamming distance of two masks, all layers together.

    Args:
        first: Bool tensors by parameter name, true where the weight is kept.
        second: Others of the same names and shapes.
        within: A mask that both are subsets of. The distance is then a share of the weights that
            it keeps: those that still compete. Of all weights it would go to 0 as masks get
            sparse, whatever they keep.

    Returns:
        The share of the weights in which the masks differ, in [0, 1].

    Raises:
        ValueError: If names or shapes differ.
    """
    return together(overlaps(first, second, within).values()).hamming


def chance_iou(first: float, second: float) -> float | None:
    """Expected intersection over expected union of two independent masks: d₁d₂ / (d₁+d₂−d₁d₂).

    Args:
        first: Density of the first mask, in [0, 1].
        second: Density of the second one.

    Returns:
        A share in [0, 1], d / (2 − d) at equal densities d; None where both keep nothing.
    """
    both = first * second
    union = first + second - both
    return both / union if union else None


def chance_hamming(first: float, second: float) -> float:
    """Expected normalised Hamming distance of two independent masks: d₁+d₂−2d₁d₂.

    Args:
        first: Density of the first mask, in [0, 1].
        second: Density of the second one.
    """
    return first + second - 2 * first * second
