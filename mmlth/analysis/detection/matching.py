"""Which predictions hit which objects: pycocotools' matching, kept so that images can be resampled.

Matching goes image by image, so it is done once. Average precision over any choice of the images
follows from it: see `mmlth.analysis.detection.precision`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmlth.analysis.detection.area import POSE, area_of
from mmlth.analysis.detection.data import (
    KIND_WORDS,
    CocoResults,
    GroundTruth,
    annotations,
    check_ground_truth,
    check_predictions,
)
from mmlth.analysis.detection.federated import (
    MOST,
    filter_lvis_predictions,
    is_federated,
    not_exhaustive,
    objects,
)
from mmlth.analysis.detection.rules import COCO_RULES, CocoRules, size_ranges
from mmlth.analysis.packages import require
from mmlth.quiet import quiet

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""COCO's thresholds T of IoU, or of OKS for keypoints."""

_SIZES = {'bbox': 'bbox', 'segm': 'area', 'keypoints': 'bbox'}
"""The field of an annotation without which an object has no size, by kind of prediction."""
_MOST = {'bbox': 100, 'segm': 100, 'keypoints': 20}


@dataclass(frozen=True)
class Cell:
    """One class and range of size.

    Predictions that count at no threshold, and those behind the last hit, are left out: they change
    no average precision.

    Attributes:
        images: int (N,). The image that each prediction is of, as index; best scores first.
        hits: bool (T, N). Whether it is the match of an object to find.
        counted: bool (T, N). Whether it counts, as a hit or as a mistake; a match of a crowd or of
            an object of another size does not.
        objects: int (G,). The image that each object to find is in, as index; crowds left out.
    """

    images: NDArray[np.int64]
    hits: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    objects: NDArray[np.int64]


@dataclass(frozen=True)
class Matches:
    """The predictions of one model beside the ground truth.

    Attributes:
        images: How many there are.
        cells: For each of the K classes, in order of their ids, and A ranges of size.
    """

    images: int
    cells: tuple[tuple[Cell, ...], ...]


def match_detections(
    ground_truth: GroundTruth,
    predictions: CocoResults,
    kind: str,
    rules: CocoRules = COCO_RULES,
    name: str = 'the model',
) -> Matches:
    """Matches predictions to ground truth as pycocotools does.

    A data set annotated as LVIS is judged by its rules: see `mmlth.analysis.detection.federated`.
    Ids of annotations do not matter; pycocotools itself takes an object of id 0 for missed. Without
    ``area``, a box has its own, and keypoints the share of their box that MMPose's metric has. A
    predicted pose is as large as its box where all poses have one, else as its keypoints reach.

    Args:
        ground_truth: A COCO data set; not changed.
        predictions: A COCO result list; not changed.
        kind: ``bbox``, ``segm`` or ``keypoints``.
        rules: The ranges of size, the sigmas of keypoints and how many predictions count.
        name: The name of the model, for messages.

    Raises:
        ValueError: If ground truth and predictions do not fit each other or the kind, sizes cannot
            be told, sigmas are missing or of another number, or the borders do not ascend.
        ModuleNotFoundError: If pycocotools is not installed.
    """
    require('pycocotools', 'average precision')
    check_ground_truth(ground_truth, kind)
    _check_sizes(ground_truth, kind)
    check_predictions(ground_truth, predictions, kind, name)
    if kind == 'keypoints':
        _check_sigmas(ground_truth, predictions, rules.sigmas, name)
    predictions = filter_lvis_predictions(ground_truth, predictions, kind)
    most = rules.max_dets or (MOST if is_federated(ground_truth) else _MOST[kind])
    ranges = size_ranges(rules.borders)
    spared = not_exhaustive(ground_truth)
    truths, predicted = _by_class(objects(ground_truth)), _by_class(predictions)
    images = {image['id']: image for image in ground_truth['images']}
    indices = {image: index for index, image in enumerate(sorted(images))}
    cells = []
    for category in sorted(ground_truth['categories'], key=lambda each: each['id']):
        ours, theirs = truths[category['id']], predicted[category['id']]
        shown = sorted({each['image_id'] for each in (*ours, *theirs)})
        dataset = {'images': [images[image] for image in shown], 'categories': [category]}
        evaluator = _evaluator(dataset, ours, theirs, kind)
        results = _evaluate(evaluator, ranges, most, rules.sigmas)
        parts = (results[i * len(shown) : (i + 1) * len(shown)] for i in range(len(ranges)))
        cells.append(tuple(_cell(part, indices, spared) for part in parts))
    return Matches(len(images), tuple(cells))


def _check_sizes(ground_truth: GroundTruth, kind: str) -> None:
    given, field = annotations(ground_truth), _SIZES[kind]
    lacking = sum(field not in annotation for annotation in given)
    if lacking:
        raise ValueError(
            f'{lacking:,} of the {len(given):,} annotations of the ground truth have no {field!r}, '
            f'without which {KIND_WORDS[kind]} have no size; add it'
        )


def _check_sigmas(
    ground_truth: GroundTruth, predictions: CocoResults, sigmas: Sequence[float] | None, name: str
) -> None:
    if sigmas is None:
        raise ValueError('keypoints need the sigmas of the data set: one for each keypoint')
    for whose, entries in (('the ground truth', annotations(ground_truth)), (name, predictions)):
        for entry in entries:
            if len(entry['keypoints']) != 3 * len(sigmas):
                raise ValueError(
                    f'{whose} has {len(entry["keypoints"]) / 3:g} keypoints an object where there '
                    f'are {len(sigmas)} sigmas: these are different sets of keypoints'
                )


def _by_class(entries: Iterable[Mapping[str, Any]]) -> dict[Any, list[Mapping[str, Any]]]:
    groups: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in entries:
        groups[entry['category_id']].append(entry)
    return groups


def _evaluator(
    dataset: dict[str, Any],
    truths: Sequence[Mapping[str, Any]],
    predicted: Sequence[Mapping[str, Any]],
    kind: str,
) -> Any:
    """The evaluator of pycocotools; it writes into what it is given, so it is given copies."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    # With its box, a mask would be sized by that box; poses are, in MMPose's evaluation too.
    # pycocotools looks at the first prediction alone to tell whether there are boxes.
    boxed = all(each.get('bbox') for each in predicted)
    poses = () if boxed else ('bbox',)
    others = {'bbox': ('segmentation', 'keypoints'), 'segm': ('bbox',), 'keypoints': poses}
    numbered = [_annotation(truth, number, kind) for number, truth in enumerate(truths, start=1)]
    results = [{k: v for k, v in each.items() if k not in others[kind]} for each in predicted]
    with quiet():
        truth = COCO()
        truth.dataset = {**dataset, 'annotations': numbered}
        truth.createIndex()
        if results:
            return COCOeval(truth, truth.loadRes(results), kind)
        empty = COCO()  # loadRes takes no empty list
        empty.dataset = {**dataset, 'annotations': []}
        empty.createIndex()
        return COCOeval(truth, empty, kind)


def _evaluate(
    evaluator: Any,
    ranges: Sequence[tuple[float, float]],
    most: int,
    sigmas: Sequence[float] | None,
) -> Any:
    """What pycocotools finds, range by range in each image."""
    evaluator.params.areaRng = [list(size) for size in ranges]
    evaluator.params.maxDets = [most]
    evaluator.params.iouThrs = THRESHOLDS
    evaluator.params.kpt_oks_sigmas = np.asarray(sigmas)
    with quiet():
        evaluator.evaluate()
    return evaluator.evalImgs


def _annotation(truth: Mapping[str, Any], number: int, kind: str) -> dict[str, Any]:
    share = POSE if kind == 'keypoints' else 1
    added: dict[str, Any] = {'iscrowd': 0, 'area': area_of(truth, share)}
    if 'keypoints' in truth:
        added['num_keypoints'] = sum(visible > 0 for visible in truth['keypoints'][2::3])
    return {**added, **truth, 'id': number}


def _cell(
    results: Sequence[Mapping[str, Any] | None],
    indices: Mapping[Any, int],
    spared: set[tuple[Any, Any]],
) -> Cell:
    """Joins what pycocotools found in each image."""
    given = [result for result in results if result is not None]
    images, scores, hits, counted, objects = [], [], [], [], []
    for result in given:
        index, matched = indices[result['image_id']], result['dtMatches'] > 0
        ignored = result['dtIgnore'].astype(bool)
        if (result['image_id'], result['category_id']) in spared:
            ignored = ignored | ~matched
        images.append(np.full(len(result['dtScores']), index))
        scores.append(np.asarray(result['dtScores'], float))
        hits.append(matched & ~ignored)
        counted.append(~ignored)
        objects.append(np.full(int(np.sum(result['gtIgnore'] == 0)), index))
    none = np.zeros((len(THRESHOLDS), 0), bool)
    # Stable, as in pycocotools: of equal scores, the earlier image stands first.
    order = np.argsort(-np.concatenate([np.zeros(0), *scores]), kind='stable')
    hit = np.concatenate([none, *hits], axis=1)[:, order]
    counts = np.concatenate([none, *counted], axis=1)[:, order]
    until = max(np.flatnonzero(hit.any(axis=0)), default=-1) + 1
    kept = np.flatnonzero(counts.any(axis=0)[:until])
    empty = np.zeros(0, int)
    return Cell(
        images=np.concatenate([empty, *images])[order][kept],
        hits=hit[:, kept],
        counted=counts[:, kept],
        objects=np.concatenate([empty, *objects]),
    )
