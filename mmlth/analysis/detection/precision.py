"""Average precision over any choice of images, many choices at once."""

import numpy as np
from numpy.typing import NDArray

from mmlth.analysis.detection.matching import THRESHOLDS, Cell, Matches

RECALLS = np.linspace(0, 1, 101)
"""The recalls at which COCO reads precision."""

_MOST_NUMBERS = 2**17  # in an array, so that it stays in the cache


def average_precision(matches: Matches, weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """COCO's average precision of each class, size and threshold.

    An image drawn twice counts as two images with the same objects and predictions; of predictions
    of equal score, those of an image that was drawn twice stand together. Drawing each image once
    gives pycocotools' own numbers.

    Args:
        matches: The matches of one model.
        weights: int (B, I). How often each of the I images is drawn, for B choices.

    Returns:
        (B, T, K, A), in [0, 1]; NaN where a choice holds no such object.

    Raises:
        ValueError: If there are weights for another number of images.
    """
    if weights.ndim != 2 or weights.shape[1] != matches.images:
        raise ValueError(
            f'weights must be choices of {matches.images} images, got the shape {weights.shape}'
        )
    classes, sizes = len(matches.cells), len(matches.cells[0])
    precisions = np.empty((len(weights), len(THRESHOLDS), classes, sizes))
    for k, cells in enumerate(matches.cells):
        for a, cell in enumerate(cells):
            rows = max(1, _MOST_NUMBERS // (len(cell.images) + 1))
            for start in range(0, len(weights), rows):
                part = slice(start, start + rows)
                precisions[part, :, k, a] = _of_cell(cell, weights[part])
    return precisions


def _of_cell(cell: Cell, weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """(B, T), of one class and size."""
    objects = weights[:, cell.objects].sum(axis=1)[:, None]
    columns = [
        _at_threshold(cell.images[counted], hits[counted], weights, objects)
        for hits, counted in zip(cell.hits, cell.counted)
    ]
    return np.where(objects > 0, np.stack(columns, axis=1), np.nan)


def _at_threshold(
    images: NDArray[np.int64],
    hits: NDArray[np.bool_],
    weights: NDArray[np.int64],
    objects: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(B,), of the predictions that count, best first.

    Precision, made to fall with recall, is highest at hits, so it is read at these alone.
    """
    seen = np.cumsum(weights[:, images], axis=1)[:, hits]
    right = np.cumsum(weights[:, images[hits]], axis=1)
    precision = right / (seen + np.spacing(1))  # as pycocotools, lest it divide by 0
    falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    # How many of the recalls each hit reaches; it is the first to reach those that are new.
    reached = np.searchsorted(RECALLS, right / np.maximum(objects, 1), side='right')
    new = np.diff(reached, axis=1, prepend=0)
    return (falling * new).sum(axis=1) / len(RECALLS)
