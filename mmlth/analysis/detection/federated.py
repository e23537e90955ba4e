"""What LVIS, whose images are not annotated for every class, judges and what it lets pass.

Gupta, Dollár, Girshick, *LVIS: A Dataset for Large Vocabulary Instance Segmentation* (CVPR 2019,
https://arxiv.org/abs/1908.03195), section 2.2. An image tells the classes that were found absent
(``neg_category_ids``), and those of which not every object is marked
(``not_exhaustive_category_ids``). As in the authors' package ``lvis``, objects and predictions of
area 0, such as predicted masks without a pixel, are left out.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from mmlth.analysis.detection.data import FIELDS, CocoResults, GroundTruth, annotations

MOST = 300
"""Predictions an image, of all classes together."""

_ABSENT, _SOME = 'neg_category_ids', 'not_exhaustive_category_ids'


def is_federated(ground_truth: GroundTruth) -> bool:
    """Whether a data set is annotated as LVIS is."""
    return any(_ABSENT in image for image in ground_truth['images'])


def objects(ground_truth: GroundTruth) -> Sequence[Mapping[str, Any]]:
    """The annotations that count; in a data set that is not annotated as LVIS is, all of them."""
    given = annotations(ground_truth)
    if not is_federated(ground_truth):
        return given
    return [annotation for annotation in given if annotation.get('area', 1) > 0]


def filter_lvis_predictions(
    ground_truth: GroundTruth, predictions: CocoResults, kind: str
) -> CocoResults:
    """The predictions that count: of each image the best `MOST`, of them those of known classes.

    A class is known in an image if it has an object there or was found absent. In a data set that
    is not annotated as LVIS is, all count.

    Args:
        ground_truth: A COCO data set.
        predictions: A COCO result list.
        kind: ``bbox`` or ``segm``, whose area a prediction has.
    """
    if not is_federated(ground_truth):
        return predictions
    known = {
        (image['id'], category)
        for image in ground_truth['images']
        for category in image.get(_ABSENT, ())
    }
    known |= {(each['image_id'], each['category_id']) for each in objects(ground_truth)}
    by_image: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for prediction in predictions:
        by_image[prediction['image_id']].append(prediction)
    return [
        prediction
        for of_image in by_image.values()
        for prediction in sorted(of_image, key=lambda each: -each['score'])[:MOST]
        if (prediction['image_id'], prediction['category_id']) in known
        and _has_area(prediction, kind)
    ]


def _has_area(prediction: Mapping[str, Any], kind: str) -> bool:
    from pycocotools import mask as masks

    shape = prediction[FIELDS[kind]]
    if kind == 'bbox':
        return bool(shape[2] * shape[3] > 0)
    if kind != 'segm' or isinstance(shape, list):  # keypoints; a polygon
        return True
    counts = shape['counts']
    return bool((sum(counts[1::2]) if isinstance(counts, list) else masks.area(shape)) > 0)


def not_exhaustive(ground_truth: GroundTruth) -> set[tuple[Any, Any]]:
    """Images and categories where a prediction without an object is no mistake."""
    return {
        (image['id'], category)
        for image in ground_truth['images']
        for category in image.get(_SOME, ())
    }
