"""The rules by which pycocotools judges predictions."""

from collections.abc import Sequence
from dataclasses import dataclass

_LARGEST = 1e5**2  # as COCO has it


@dataclass(frozen=True)
class CocoRules:
    """How predictions are matched to objects.

    Attributes:
        borders: The borders between the ranges of size: sides of squares in pixels, ascending.
        sigmas: The sigma of each keypoint; None where there are none.
        max_dets: How many predictions an image and class count; None: 100, of keypoints 20, in
            LVIS 300 an image.
    """

    borders: Sequence[float] = (32, 96)
    sigmas: Sequence[float] | None = None
    max_dets: int | None = None


COCO_RULES = CocoRules()
"""COCO's own rules."""


def size_ranges(borders: Sequence[float]) -> list[tuple[float, float]]:
    """Ranges of area in square pixels: all sizes, then from border to border.

    An object exactly at a border is in both ranges, as in pycocotools.

    Args:
        borders: Sides of squares in pixels, in ascending order.

    Raises:
        ValueError: If they are not positive and ascending.

    Example:
        >>> size_ranges([32, 96])
        [(0, 10000000000.0), (0, 1024), (1024, 9216), (9216, 10000000000.0)]
    """
    areas = [border**2 for border in borders]
    if not all(low < high for low, high in zip([0, *areas], areas)):
        raise ValueError(f'borders of size must be positive and ascend, got {list(borders)}')
    return [(0, _LARGEST), *zip([0, *areas], [*areas, _LARGEST])]
