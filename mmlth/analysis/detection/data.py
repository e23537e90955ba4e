"""Ground truth and predictions in COCO's format, and whether they belong together."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmlth.messages import join_names

GroundTruth = Mapping[str, Any]
"""A COCO data set as ``json.load`` gives it: ``images``, ``annotations``, ``categories``."""

CocoResults = Sequence[Mapping[str, Any]]
"""A COCO result list: ``image_id``, ``category_id``, ``score``, and what is predicted."""

FIELDS = {'bbox': 'bbox', 'segm': 'segmentation', 'keypoints': 'keypoints'}
"""The field of an annotation, by the name in pycocotools of a kind of prediction."""

KIND_WORDS = {'bbox': 'boxes', 'segm': 'masks', 'keypoints': 'keypoints'}
"""What is predicted, in the plural, by kind of prediction."""


def check_ground_truth(ground_truth: GroundTruth, kind: str) -> None:
    """Checks that there is ground truth of a kind.

    Args:
        ground_truth: A COCO data set.
        kind: A key of `FIELDS`.

    Raises:
        ValueError: If the kind is unknown, there is no annotation, or one lacks the kind's field.
    """
    if kind not in FIELDS:
        raise ValueError(f'{kind!r} is no kind of prediction; expected {", ".join(FIELDS)}')
    check_annotated(ground_truth)
    given = annotations(ground_truth)
    field = FIELDS[kind]
    lacking = sum(not annotation.get(field) for annotation in given)
    if lacking:
        raise ValueError(
            f'{lacking:,} of the {len(given):,} annotations of the ground truth have no '
            f'{field!r}: this is no data set of {KIND_WORDS[kind]}; leave out {kind!r}'
        )


def check_annotated(ground_truth: GroundTruth) -> None:
    """Checks that there is anything to find.

    Args:
        ground_truth: A COCO data set.

    Raises:
        ValueError: If it has no annotation.
    """
    if not annotations(ground_truth):
        raise ValueError('the ground truth holds no annotations: nothing can be judged by it')


def check_predictions(
    ground_truth: GroundTruth, predictions: CocoResults, kind: str, name: str
) -> None:
    """Checks that predictions are of a kind, and for the images and classes of a ground truth.

    Args:
        ground_truth: A COCO data set.
        predictions: A COCO result list.
        kind: A key of `FIELDS`.
        name: The name of the model, for messages.

    Raises:
        ValueError: If there are none, one lacks the kind's field, or their images or categories are
            not those of the ground truth.
    """
    if not predictions:
        raise ValueError(
            f'{name} predicts nothing: its list of predictions is empty, so there is nothing to '
            'analyse; check its weights and its score threshold'
        )
    field = FIELDS[kind]
    lacking = sum(not prediction.get(field) for prediction in predictions)
    if lacking:
        raise ValueError(
            f'{lacking:,} of the {len(predictions):,} predictions of {name} have no {field!r}: it '
            f'predicts no {KIND_WORDS[kind]}; leave out {kind!r}'
        )
    for key, part, what in (
        ('image_id', 'images', 'predictions for another data set'),
        ('category_id', 'categories', 'predictions of a model of other classes'),
    ):
        known = {entry['id'] for entry in ground_truth[part]}
        unknown = dict.fromkeys(p[key] for p in predictions if p[key] not in known)
        if unknown:
            raise ValueError(
                f'{name} has predictions with {key} {join_names(map(str, unknown))}, which the '
                f'ground truth with its {len(known):,} {part} lacks: these are {what}'
            )


def annotations(ground_truth: GroundTruth) -> list[Mapping[str, Any]]:
    """The annotations of the set's own images and classes: it may be a part of a larger set."""
    images = {image['id'] for image in ground_truth['images']}
    categories = {category['id'] for category in ground_truth['categories']}
    return [
        annotation
        for annotation in ground_truth.get('annotations') or ()
        if annotation['image_id'] in images and annotation['category_id'] in categories
    ]
