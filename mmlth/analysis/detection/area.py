"""How large an object is whose annotation does not tell its area."""

from collections.abc import Mapping
from typing import Any

POSE = 0.53
"""The share of its box that a person takes up, as MMPose and xtcocotools have it."""


def area_of(annotation: Mapping[str, Any], share: float = 1) -> float:
    """The area that an annotation tells, else a share of its box, in square pixels.

    Args:
        annotation: The annotation of an object in COCO's format.
        share: The share of the box; for keypoints `POSE`.
    """
    if 'area' in annotation:
        return float(annotation['area'])
    _, _, width, height = annotation['bbox']
    return float(width * height * share)
