"""How near keypoints are to where they belong, as COCO measures it."""

import numpy as np

from mmlth.analysis.keypoints.scenes import Bools, Floats, Instances

TOLERANCE = 2
"""COCO's keypoint similarity has 2σ where a Gaussian has σ."""


def similarities(predicted: Floats, true: Floats, areas: Floats, sigmas: Floats) -> Floats:
    """Keypoint similarities ks = exp(−d² / (2 · area · (2σ)²)), in [0, 1].

    Args:
        predicted: Keypoints of D predictions in pixels, shape (D, K, 2).
        true: Keypoints of G instances in pixels, shape (G, K, 2).
        areas: The areas of the instances in square pixels, shape (G,).
        sigmas: The sigmas of the joints, shape (K,).

    Returns:
        Of each prediction's joint and the same joint of each instance, shape (D, G, K).
    """
    offsets = predicted[:, np.newaxis] - true[np.newaxis]
    return _gaussian(offsets, areas, sigmas)


def instance_similarities(predicted: Floats, instances: Instances, sigmas: Floats) -> Floats:
    """Object keypoint similarities (OKS): the mean ks over the labelled joints, in [0, 1].

    An instance without any is similar to what is in its box, enlarged by its size on every side.

    Args:
        predicted: Keypoints of D predictions in pixels, shape (D, K, 2).
        instances: G of them.
        sigmas: The sigmas of the joints, shape (K,).

    Returns:
        Of each prediction and instance, shape (D, G).
    """
    similar = similarities(predicted, instances.keypoints, instances.areas, sigmas)
    low = instances.boxes[:, :2] - instances.boxes[:, 2:]
    high = instances.boxes[:, :2] + 2 * instances.boxes[:, 2:]
    points = predicted[:, np.newaxis]
    beyond = np.maximum(low[:, np.newaxis] - points, 0) + np.maximum(
        points - high[:, np.newaxis], 0
    )
    boxed = _gaussian(beyond, instances.areas, sigmas)
    means = [
        _mean(similar[:, index], labelled) if labelled.any() else boxed[:, index].mean(axis=1)
        for index, labelled in enumerate(instances.labelled)
    ]
    return np.stack(means, axis=1) if means else np.zeros((len(predicted), 0))


def _gaussian(offsets: Floats, areas: Floats, sigmas: Floats) -> Floats:
    squared = (offsets**2).sum(axis=-1)
    # The same operations in the same order as pycocotools, for the same floats.
    spread = squared / (sigmas * TOLERANCE) ** 2 / (areas + np.spacing(1))[:, np.newaxis] / 2
    return np.exp(-spread)


def _mean(similar: Floats, labelled: Bools) -> Floats:
    return np.ascontiguousarray(similar[:, labelled]).mean(axis=1)
