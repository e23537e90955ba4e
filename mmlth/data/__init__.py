"""Data sets that need no download: coloured shapes in COCO format, drawn from a seed."""

from mmlth.data.conversion import conversion_command, missing
from mmlth.data.scene import CLASSES, KEYPOINTS, SKELETON
from mmlth.data.shapes import make_shapes

__all__ = [
    'CLASSES',
    'KEYPOINTS',
    'SKELETON',
    'conversion_command',
    'make_shapes',
    'missing',
]
