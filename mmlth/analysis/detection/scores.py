"""The average precision of models side by side, on all images and on the same resamples of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmlth.analysis.detection.bootstrap import resamples
from mmlth.analysis.detection.data import CocoResults, GroundTruth
from mmlth.analysis.detection.matching import Matches, match_detections
from mmlth.analysis.detection.precision import average_precision
from mmlth.analysis.detection.rules import COCO_RULES, CocoRules

_SEED = 0  # of the resamples
_AT_ONCE = 100  # replicates, so that many classes need little memory


@dataclass(frozen=True)
class Scores:
    """COCO's AP, the mean over thresholds 0.5 to 0.95, by class and size.

    Attributes:
        kind: ``bbox``, ``segm`` or ``keypoints``.
        borders: The borders between the ranges of size: sides of squares in pixels.
        categories: The K classes as the data set tells them, in order of their ids.
        images: How many there are.
        objects: For each class and of A ranges of size, the first all sizes, int (G,): the image of
            each object, as index; crowds left out.
        values: Scores of each model (K, A), in [0, 1]; NaN where there is no object. The first is
            dense.
        replicates: Scores by resample of each model (B, K, A); one row of all models is of the same
            resample.
    """

    kind: str
    borders: tuple[float, ...]
    categories: tuple[Mapping[str, Any], ...]
    images: int
    objects: tuple[tuple[NDArray[np.int64], ...], ...]
    values: dict[str, NDArray[np.float64]]
    replicates: dict[str, NDArray[np.float64]]


def score(
    ground_truth: GroundTruth,
    predictions: Mapping[str, CocoResults],
    kind: str,
    rules: CocoRules = COCO_RULES,
    replicates: int = 1000,
) -> Scores:
    """Judges models by one ground truth.

    Args:
        ground_truth: A COCO data set.
        predictions: A COCO result list by name of the model; the dense model first.
        kind: ``bbox``, ``segm`` or ``keypoints``.
        rules: The ranges of size, the sigmas of keypoints and how many predictions count.
        replicates: Resamples of the images for intervals; a single image gives none.

    Raises:
        ValueError: If there is no model, and as `match_detections`.
    """
    if not predictions:
        raise ValueError('there is no model to judge: give the predictions of one or more')
    values, rows = {}, {}
    for name, each in predictions.items():
        matches = match_detections(ground_truth, each, kind, rules, name)
        draws = resamples(matches.images, replicates if matches.images > 1 else 0, _SEED)
        values[name] = _mean_precision(matches, np.ones((1, matches.images), np.int64))[0]
        rows[name] = np.concatenate(
            [
                _mean_precision(matches, draws[start : start + _AT_ONCE])
                for start in range(0, max(len(draws), 1), _AT_ONCE)
            ]
        )
    return Scores(
        kind,
        tuple(rules.borders),
        tuple(sorted(ground_truth['categories'], key=lambda each: each['id'])),
        matches.images,
        tuple(tuple(cell.objects for cell in cells) for cells in matches.cells),
        values,
        rows,
    )


def _mean_precision(matches: Matches, weights: NDArray[np.int64]) -> NDArray[np.float64]:
    return average_precision(matches, weights).mean(axis=1)
