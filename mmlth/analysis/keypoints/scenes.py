"""COCO ground truth and predictions as arrays, by image and category."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmlth.analysis.detection import POSE, area_of
from mmlth.analysis.keypoints.skeleton import Skeleton
from mmlth.messages import join_names

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Instances:
    """What is annotated: G instances of K joints.

    Attributes:
        ids: The ids of the annotations.
        keypoints: Their places in pixels, shape (G, K, 2).
        labelled: Whether each keypoint is annotated, shape (G, K).
        areas: Areas in square pixels, shape (G,); where an annotation tells none, that of
            `area_of`.
        boxes: Boxes as x, y, width and height in pixels, shape (G, 4).
        crowd: Which instances are crowds, shape (G,).
        ignored: Which instances neither count as found nor as overlooked, shape (G,): crowds, those
            without labelled keypoints and those outside the range of areas.
    """

    ids: tuple[Any, ...]
    keypoints: Floats
    labelled: Bools
    areas: Floats
    boxes: Floats
    crowd: Bools
    ignored: Bools


@dataclass(frozen=True)
class PredictedInstances:
    """What is predicted: D instances, by falling score.

    Attributes:
        indices: Their places in the list of results.
        keypoints: Their places in pixels, shape (D, K, 2).
        scores: Their scores, shape (D,).
        outside: Which instances are outside the range of areas, so that they are no errors where
            they match nothing, shape (D,). The area is that of the predicted box, where there is
            none that of the box around the keypoints, as pycocotools has it.
    """

    indices: tuple[int, ...]
    keypoints: Floats
    scores: Floats
    outside: Bools


@dataclass(frozen=True)
class ImageInstances:
    """One category in one image."""

    image: Any
    category: Any
    instances: Instances
    predictions: PredictedInstances


def read_scenes(
    ground_truth: Mapping[str, Any],
    predictions: Sequence[Mapping[str, Any]],
    skeleton: Skeleton,
    areas: tuple[float, float],
    most: int,
) -> list[ImageInstances]:
    """Sorts a COCO data set and results of it by category and image, in order of their ids.

    Args:
        ground_truth: A COCO data set: ``images``, ``annotations``, ``categories``.
        predictions: COCO results with ``image_id``, ``category_id``, ``score``, ``keypoints``.
        skeleton: The joints.
        areas: Least and greatest area that counts, in square pixels.
        most: How many predictions count in an image, those of the highest scores.

    Returns:
        The scenes that hold an instance or a prediction.

    Raises:
        ValueError: If the data set has no keypoints or others than the skeleton, or predictions are
            not of this data set or not of these keypoints.
    """
    annotations = ground_truth['annotations']
    if not any(annotation.get('keypoints') for annotation in annotations):
        raise ValueError(
            f'none of the {len(annotations)} annotations has keypoints; errors of keypoints need a '
            'data set with "keypoints"'
        )
    _check_keys(annotations, 'annotation', ('id', 'image_id', 'category_id', 'bbox'))
    _check_keys(predictions, 'prediction', ('image_id', 'category_id', 'score', 'keypoints'))
    images = {image['id'] for image in ground_truth['images']}
    categories = {category['id'] for category in ground_truth['categories']}
    for index, prediction in enumerate(predictions):
        if not np.isfinite(prediction['score']):
            raise ValueError(f'prediction {index} has a score that is no finite number')
    _check_known(predictions, 'image_id', images)
    _check_known(predictions, 'category_id', categories)
    annotated: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for annotation in annotations:
        annotated[annotation['category_id'], annotation['image_id']].append(annotation)
    predicted: dict[Any, list[int]] = defaultdict(list)
    for index, prediction in enumerate(predictions):
        predicted[prediction['category_id'], prediction['image_id']].append(index)
    return [
        ImageInstances(
            image,
            category,
            _instances(annotated[category, image], skeleton, areas),
            _predictions(predictions, predicted[category, image], skeleton, areas, most),
        )
        for category in sorted(categories)
        for image in sorted(images)
        if annotated[category, image] or predicted[category, image]
    ]


def _check_keys(entries: Sequence[Mapping[str, Any]], what: str, keys: Sequence[str]) -> None:
    for index, entry in enumerate(entries):
        missing = [key for key in keys if key not in entry]
        if missing:
            raise ValueError(
                f'{what} {index} has no {" and no ".join(missing)}; each needs {", ".join(keys)}'
            )


def _check_known(predictions: Sequence[Mapping[str, Any]], key: str, known: set[Any]) -> None:
    unknown = list(dict.fromkeys(p[key] for p in predictions if p[key] not in known))
    if unknown:
        raise ValueError(
            f'predictions name {len(unknown)} of {key} that the data set lacks '
            f'({join_names(map(str, unknown))}); are they of another data set?'
        )


def _instances(
    annotations: Sequence[Mapping[str, Any]], skeleton: Skeleton, areas: tuple[float, float]
) -> Instances:
    # An instance without keypoints is one whose keypoints are all unlabelled.
    blank = [0] * 3 * len(skeleton.joints)
    ids = tuple(annotation['id'] for annotation in annotations)
    keypoints = _triples(
        [annotation.get('keypoints') or blank for annotation in annotations],
        [f'annotation {id_}' for id_ in ids],
        skeleton,
    )
    labelled = keypoints[..., 2] > 0
    numbers = labelled.sum(axis=1).tolist()
    numbers = [a.get('num_keypoints', number) for a, number in zip(annotations, numbers)]
    crowd = np.array([bool(a.get('iscrowd', 0)) for a in annotations], dtype=bool)
    sizes = np.array([area_of(a, POSE) for a in annotations], dtype=float)
    return Instances(
        ids,
        keypoints[..., :2],
        labelled,
        sizes,
        np.array([a['bbox'] for a in annotations], dtype=float).reshape(-1, 4),
        crowd,
        crowd | (np.array(numbers, dtype=int) == 0) | _outside(sizes, areas),
    )


def _predictions(
    results: Sequence[Mapping[str, Any]],
    indices: Sequence[int],
    skeleton: Skeleton,
    areas: tuple[float, float],
    most: int,
) -> PredictedInstances:
    chosen = sorted(indices, key=lambda index: -results[index]['score'])[:most]
    keypoints = _triples(
        [results[index]['keypoints'] for index in chosen],
        [f'prediction {index}' for index in chosen],
        skeleton,
    )[..., :2]
    sizes = [_size(results[index].get('bbox'), keypoints[row]) for row, index in enumerate(chosen)]
    return PredictedInstances(
        tuple(chosen),
        keypoints,
        np.array([results[index]['score'] for index in chosen], dtype=float),
        _outside(np.array(sizes, dtype=float), areas),
    )


def _triples(rows: Sequence[Sequence[float]], names: Sequence[str], skeleton: Skeleton) -> Floats:
    """Flat lists of x, y, v as an array of shape (N, K, 3)."""
    joints = len(skeleton.joints)
    for row, name in zip(rows, names):
        if len(row) != 3 * joints:
            raise ValueError(
                f'{name} has {len(row)} numbers for its keypoints, but {joints} joints with their '
                f'sigmas were given, which need {3 * joints}: x, y and v of each'
            )
        if not np.isfinite(row).all():
            raise ValueError(f'{name} has keypoints that are no finite numbers')
    return np.array(rows, dtype=float).reshape(-1, joints, 3)


def _outside(sizes: Floats, areas: tuple[float, float]) -> Bools:
    return (sizes < areas[0]) | (sizes > areas[1])


def _size(box: Sequence[float] | None, keypoints: Floats) -> float:
    sides = keypoints.max(axis=0) - keypoints.min(axis=0) if box is None else box[2:]
    return float(sides[0] * sides[1])
