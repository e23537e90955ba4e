"""One picture of coloured shapes, and what is true of it.

Coordinates are (x, y) in pixels, COCO's way: the top left corner of the picture is (0, 0) and the
centre of its first pixel (0.5, 0.5). They are multiples of 1/16, which float32, JSON and OpenCV's
fixed-point drawing all hold exactly, so that a box *equals* the extent of its polygon.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

CLASSES = ('circle', 'square', 'triangle')
KEYPOINTS = ('top', 'right', 'bottom', 'left', 'centre')
SKELETON = ((5, 1), (5, 2), (5, 3), (5, 4))  # pairs of keypoints, counted from 1 as COCO does

MAX_SHAPES = 4  # in a picture
MIN_SIZE = 16  # pixels, the side or diameter of a shape; the largest is half the shorter side
MAX_TILT = 20.0  # degrees to either side: `top` stays on top and `left` stays left
MAX_HIDDEN = 0.2  # share of a shape that later ones may cover

_STEPS = 16  # a pixel, in units of the coordinates
_FINE = 4  # drawing is done at 4 x 4 the resolution, for smooth edges
_TRIES = 100  # for a free place

# Blue, green, red. The colour gives the class away on purpose: a small model that is trained from
# scratch learns the set in a minute on a CPU.
_COLOURS = ((60, 50, 215), (50, 190, 60), (220, 100, 40))

# For shapes that fill the square from -1 to 1: outline (V, 2), keypoints (5, 2).
_CORNERS = ((-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0))
_CIRCLE = tuple((math.sin(k * math.pi / 16), -math.cos(k * math.pi / 16)) for k in range(32))
_OUTLINES = (_CIRCLE, _CORNERS, ((0.0, -1.0), (1.0, 1.0), (-1.0, 1.0)))
_CROSS = ((0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, 0.0))
_POINTS = (_CROSS, _CROSS, ((0.0, -1.0), (1.0, 1.0), (0.0, 1.0), (-1.0, 1.0), (0.0, 1 / 3)))


@dataclass(frozen=True)
class Shape:
    """One shape. All of it lies in the picture; where a later shape covers it, it goes on below.

    Attributes:
        label: Index into ``CLASSES``.
        outline: (V, 2) float64, the corners of its polygon in order.
        keypoints: (5, 2) float64, in the order of ``KEYPOINTS``.
    """

    label: int
    outline: NDArray[np.float64]
    keypoints: NDArray[np.float64]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x, y, width and height of the outline's extent."""
        (left, top), (right, bottom) = self.outline.min(0).tolist(), self.outline.max(0).tolist()
        return left, top, right - left, bottom - top

    @property
    def area(self) -> float:
        """Area of the polygon in square pixels (the shoelace formula, exact here)."""
        x, y = self.outline.T
        return abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2

    def covers(self, point: NDArray[np.float64]) -> bool:
        """Whether ``point`` (2,) lies in the shape or on its outline."""
        x, y = point.tolist()
        return cv2.pointPolygonTest(self.outline.astype(np.float32), (x, y), False) >= 0


def draw_scene(
    rng: np.random.RandomState, width: int, height: int
) -> tuple[NDArray[np.uint8], list[Shape]]:
    """Draws 1 to 4 shapes on a blotchy grey ground, under noise.

    Args:
        rng: Where chance comes from. (``RandomState``, because NumPy promises never to change its
            numbers; it makes no such promise for ``Generator``.)
        width: The width in pixels, at least ``2 * MIN_SIZE``.
        height: Likewise.

    Returns:
        The picture, (height, width, 3) uint8 in BGR order, and its shapes, the lowest first.
    """
    picture = _ground(rng, width, height)
    shapes: list[Shape] = []
    seen: list[NDArray[np.bool_]] = []  # for each shape the pixels where it can be seen
    for _ in range(rng.randint(1, MAX_SHAPES + 1)):
        for _ in range(_TRIES):
            shape = _random_shape(rng, width, height)
            coverage = _coverage(shape, width, height)
            mask = coverage > _FINE**2 // 2
            if all(
                (s & ~mask).sum() >= (1 - MAX_HIDDEN) * o.area
                for s, o in zip(seen, shapes, strict=True)
            ):
                break
        else:
            break  # the picture is full
        seen = [s & ~mask for s in seen] + [mask]
        shapes.append(shape)
        colour = np.array(_COLOURS[shape.label]) + rng.randint(-30, 31, 3)
        alpha = coverage[..., None]
        picture = (picture * (_FINE**2 - alpha) + colour * alpha) // _FINE**2
    noisy = picture + rng.randint(-14, 15, picture.shape)
    return noisy.clip(0, 255).astype(np.uint8), shapes


def visibility(shapes: list[Shape]) -> list[NDArray[np.int64]]:
    """COCO's flag of every keypoint: 2 where it can be seen, 1 where a later shape covers it.

    Args:
        shapes: What ``draw_scene`` returned.

    Returns:
        For each shape (5,) int64.
    """
    return [
        np.array([1 if any(o.covers(p) for o in shapes[i + 1 :]) else 2 for p in shape.keypoints])
        for i, shape in enumerate(shapes)
    ]


def _random_shape(rng: np.random.RandomState, width: int, height: int) -> Shape:
    """A shape of any class, size, tilt and place, within the picture."""
    label = int(rng.randint(len(CLASSES)))
    half = rng.uniform(MIN_SIZE, min(width, height) / 2) / 2
    # A turned circle looks like a straight one: its keypoints could not be told apart.
    tilt = 0.0 if CLASSES[label] == 'circle' else math.radians(rng.uniform(-MAX_TILT, MAX_TILT))
    cos, sin = math.cos(tilt) * half, math.sin(tilt) * half
    turn = np.array([[cos, sin], [-sin, cos]])
    outline = np.round(np.array(_OUTLINES[label]) @ turn * _STEPS)
    keypoints = np.round(np.array(_POINTS[label]) @ turn * _STEPS)
    room = np.array([width, height]) * _STEPS - outline.max(0)
    place = np.floor(rng.uniform(-outline.min(0), room))
    return Shape(label, (outline + place) / _STEPS, (keypoints + place) / _STEPS)


def _coverage(shape: Shape, width: int, height: int) -> NDArray[np.int64]:
    """How much of each pixel the shape covers, in sixteenths: (height, width) int64."""
    fine = np.zeros((height * _FINE, width * _FINE), np.uint8)
    corners = ((shape.outline * _FINE - 0.5) * _STEPS).astype(np.int32)  # cv2 counts from centres
    cv2.fillPoly(fine, [corners], (1,), lineType=cv2.LINE_8, shift=_STEPS.bit_length() - 1)
    parts = [fine[i::_FINE, j::_FINE] for i in range(_FINE) for j in range(_FINE)]
    coverage: NDArray[np.int64] = np.sum(parts, axis=0, dtype=np.int64)
    return coverage


def _ground(rng: np.random.RandomState, width: int, height: int) -> NDArray[np.int64]:
    """Soft blotches about 32 pixels wide, dark to light grey: (height, width, 3) int64."""
    rows, columns = height // 32 + 2, width // 32 + 2
    blotches = rng.randint(60, 181, (rows, columns, 1)) + rng.randint(-15, 16, (rows, columns, 3))
    # The exact kind gives the same pixels on every processor.
    return cv2.resize(
        blotches.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR_EXACT
    ).astype(np.int64)
