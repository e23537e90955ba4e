"""How alike many masks are, beside what chance gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mmlth.analysis.masks.profile import MaskProfile
from mmlth.pruning import Overlap

Matrix = npt.NDArray[np.float64]

_ONES = np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8).reshape(-1, 2), axis=1)
_ONES = _ONES.sum(1, dtype=np.uint8)
"""How many bits are set in each number of 16 bits; NumPy 1 does not count them."""


@dataclass(frozen=True)
class Similarity:
    """Each of n masks of one model beside each; all matrices are symmetric.

    Attributes:
        total: Number of weights.
        kept: int64 [n]: weights that each mask keeps.
        both: int64 [n, n]: weights that two masks keep.
        chance_both: float64 [n, n]: weights that two would keep in the mean if they were
            independent, each with as many weights in each layer as it has.
    """

    total: int
    kept: npt.NDArray[np.int64]
    both: npt.NDArray[np.int64]
    chance_both: Matrix

    @property
    def iou(self) -> Matrix:
        """Intersection over union, in [0, 1]; NaN where both masks keep nothing."""
        return self._iou(self.both.astype(np.float64))

    @property
    def chance_iou(self) -> Matrix:
        """The same of independent masks: expected intersection over expected union."""
        return self._iou(self.chance_both)

    @property
    def hamming(self) -> Matrix:
        """Share of the weights in which two masks differ, in [0, 1]."""
        return (self._sums - 2 * self.both) / max(self.total, 1)

    @property
    def chance_hamming(self) -> Matrix:
        """The same of independent masks, in the mean."""
        return (self._sums - 2 * self.chance_both) / max(self.total, 1)

    def overlap(self, first: int, second: int) -> Overlap:
        """The counts of two masks.

        Args:
            first: The position of the one mask.
            second: The position of the other.
        """
        return Overlap(
            self.total,
            int(self.kept[first]),
            int(self.kept[second]),
            int(self.both[first, second]),
        )

    @cached_property
    def _sums(self) -> Matrix:
        return np.add.outer(self.kept, self.kept).astype(np.float64)

    def _iou(self, both: Matrix) -> Matrix:
        union = self._sums - both
        return np.divide(both, union, out=np.full_like(union, np.nan), where=union > 0)


def similarity(masks: Sequence[MaskProfile]) -> Similarity:
    """Compares each mask with each.

    Args:
        masks: The masks of one model: they have layers of the same names and shapes.

    Raises:
        ValueError: If they have not.
    """
    shapes = [{layer.name: layer.shape for layer in mask.layers} for mask in masks]
    for i, other in enumerate(shapes):
        odd = {name for name in shapes[0].keys() | other if shapes[0].get(name) != other.get(name)}
        if odd:
            raise ValueError(
                'masks of one model have layers of the same names and shapes; not so the first '
                f'and number {i + 1} of these: {min(odd)!r} is {shapes[0].get(min(odd))} and '
                f'{other.get(min(odd))}'
            )
    names = sorted(shapes[0]) if masks else []
    by_name = [{layer.name: layer for layer in mask.layers} for mask in masks]
    kept = np.array([[counted[name].kept for name in names] for counted in by_name], np.float64)
    kept = kept.reshape(len(masks), len(names))
    totals = np.array([by_name[0][name].total for name in names], np.float64)
    return Similarity(
        masks[0].total if masks else 0,
        np.array([mask.kept for mask in masks], np.int64),
        _both([mask.bits for mask in masks]),
        (kept / np.maximum(totals, 1)) @ kept.T,
    )


def _both(bits: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.int64]:
    """Numbers of bits that are set in both of two, for all pairs."""
    counts = np.zeros((len(bits), len(bits)), np.int64)
    words = [np.pad(each, (0, len(each) % 2)).view(np.uint16) for each in bits]
    for i, first in enumerate(words):
        for j, second in enumerate(words[: i + 1]):
            counts[i, j] = counts[j, i] = _ONES[first & second].sum(dtype=np.int64)
    return counts
