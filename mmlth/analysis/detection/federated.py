"""What LVIS, whose images are not annotated for every class, judges and what it lets pass.

Gupta, Dollár, Girshick, *LVIS: A Dataset for Large Vocabulary Instance Segmentation* (CVPR 2019,
https://arxiv.org/abs/1908.03195), section 2.2. An image tells the classes that were found absent
(``neg_category_ids``), and those of which not every object is marked
(``not_exhaustive_category_ids``).
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from mmlth.analysis.detection.data import GroundTruth, Predictions

MOST = 300
"""Predictions an image, of all classes together."""

_ABSENT, _SOME = 'neg_category_ids', 'not_exhaustive_category_ids'


def is_federated(ground_truth: GroundTruth) -> bool:
    """Whether a data set is annotated as LVIS is."""
    return any(_ABSENT in image for image in ground_truth['images'])


def judged(ground_truth: GroundTruth, predictions: Predictions) -> Predictions:
    """The predictions that count: of each image the best `MOST`, of them those of known classes.

    A class is known in an image if it has an annotation there or was found absent. In a data set
    that is not annotated as LVIS is, all count.
    """
    if not is_federated(ground_truth):
        return predictions
    known = {
        (image['id'], category)
        for image in ground_truth['images']
        for category in image.get(_ABSENT, ())
    }
    known |= {(a['image_id'], a['category_id']) for a in ground_truth['annotations']}
    by_image: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for prediction in predictions:
        by_image[prediction['image_id']].append(prediction)
    return [
        prediction
        for found in by_image.values()
        for prediction in sorted(found, key=lambda each: -each['score'])[:MOST]
        if (prediction['image_id'], prediction['category_id']) in known
    ]


def partly_marked(ground_truth: GroundTruth) -> set[tuple[Any, Any]]:
    """Images and categories where a prediction without an object is no mistake."""
    return {
        (image['id'], category)
        for image in ground_truth['images']
        for category in image.get(_SOME, ())
    }
