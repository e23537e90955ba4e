"""TIDE: what kinds of error cost how much average precision, through the package ``tidecv``.

Bolya, Foley, Hays, Hoffman, *TIDE: A General Toolbox for Identifying Object Detection Errors* (ECCV
2020, https://arxiv.org/abs/2008.08115). A prediction that is no hit has one error:

- **Loc**: right class, IoU between the thresholds;
- **Cls**: wrong class, IoU of the upper threshold or more;
- **Dupe**: right class and place, but a better one has taken the object;
- **Bkg**: IoU with every object of at most the lower threshold;
- **Both**: any other, so wrong class and badly placed.

**Miss** is an object that no prediction takes, nor would take with its Loc or Cls error mended.
What an error costs is what the AP gains where all errors of that kind, and no others, are mended.
The special errors mend all false positives (**FalsePos**), or all that is not found (**FalseNeg**),
whatever the reason.

AP is at the upper threshold alone. It can differ from pycocotools': ``max_dets`` counts the
predictions of an image over all classes together; a class that is predicted but has no object
counts as AP 0; and where an error that is mended leaves a class nothing, that class leaves the
mean.

Crowds are regions: a prediction of their class that lies in one and hits no object is neither hit
nor error, and so is one of a class that LVIS has marked in part only. ``tidecv`` leaves these out
of the AP as well, yet mends them, so that an object is found that was missed and had no error. Here
they are left out altogether.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mmlth.analysis.detection.data import (
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
from mmlth.analysis.packages import require

MAIN = ('Cls', 'Loc', 'Both', 'Dupe', 'Bkg', 'Miss')
SPECIAL = ('FalsePos', 'FalseNeg')
MODES = {'bbox': 'bbox', 'segm': 'mask'}
"""The name that ``tidecv`` has for each kind of prediction."""


@dataclass(frozen=True)
class Errors:
    """What a model does wrong.

    Attributes:
        ap: Average precision at the upper threshold, in [0, 1].
        main: The AP gained where an error is mended, in [0, 1], by error.
        special: The same of all false positives, and of all false negatives.
        counts: How many there are of each main error.
    """

    ap: float
    main: dict[str, float]
    special: dict[str, float]
    counts: dict[str, int]


@dataclass(frozen=True)
class Tide:
    """Models side by side.

    Attributes:
        kind: ``bbox`` or ``segm``.
        foreground: The upper threshold of IoU: at it, a prediction is a hit.
        background: The lower one: up to it, a prediction lies on background.
        models: The results by name of the model, the dense model first.
    """

    kind: str
    foreground: float
    background: float
    models: dict[str, Errors]


def tide(
    ground_truth: GroundTruth,
    predictions: Mapping[str, CocoResults],
    kind: str,
    thresholds: tuple[float, float] = (0.5, 0.1),
    max_dets: int | None = None,
) -> Tide:
    """Finds the errors of models.

    Args:
        ground_truth: A COCO data set; not changed.
        predictions: A COCO result list by name of the model; the dense model first.
        kind: ``bbox`` or ``segm``.
        thresholds: The upper and the lower threshold of IoU.
        max_dets: Predictions an image; by default 100, in LVIS 300.

    Raises:
        ValueError: If ground truth and predictions do not fit each other or the kind, there is no
            object to find, or none of a model's predictions counts.
        ModuleNotFoundError: If ``tidecv`` is not installed.
    """
    if kind not in MODES:
        raise ValueError(f'TIDE judges {" and ".join(MODES)}, not {kind!r}')
    require('tidecv', 'TIDE')
    foreground, background = thresholds
    most = max_dets or (MOST if is_federated(ground_truth) else 100)
    check_ground_truth(ground_truth, kind)
    _check_objects(ground_truth)
    for name, each in predictions.items():
        check_predictions(ground_truth, each, kind, name)
    # Not tidecv.TIDE, which makes a folder in the user's home and sets the style of all plots.
    from tidecv.quantify import TIDERun

    truth = _truth(ground_truth, kind)

    def run(detections: Any) -> Any:
        return TIDERun(truth, detections, foreground, background, MODES[kind], most)

    models = {
        name: _errors(run, filter_lvis_predictions(ground_truth, each, kind), kind, name)
        for name, each in predictions.items()
    }
    return Tide(kind, foreground, background, models)


def _check_objects(ground_truth: GroundTruth) -> None:
    given = annotations(ground_truth)
    if all(annotation.get('iscrowd') for annotation in given):
        raise ValueError(
            f'all {len(given):,} annotations of the ground truth are crowds, so there is no object '
            'to find and no error to tell; TIDE needs images with objects'
        )


def _errors(of: Callable[[Any], Any], predictions: CocoResults, kind: str, name: str) -> Errors:
    detections = _coco_detections(predictions, kind)
    run = of(detections)
    # `used` is None of what lies in a crowd, and is lacking beyond the first max_dets of an image,
    # where no other may move up.
    counting = [
        prediction
        for prediction, entry in zip(predictions, detections.annotations)
        if entry.get('used') is not None
    ]
    if not counting:
        raise ValueError(
            f'no prediction of {name} counts: all lie in crowds, have no area, or are of classes '
            'that their images are not marked for; TIDE needs one that is a hit or an error'
        )
    if len(counting) < len(predictions):
        run = of(_coco_detections(counting, kind))
    counts = Counter(error.short_name for error in run.errors)
    return Errors(
        run.ap / 100,
        _shares(run.fix_main_errors(), MAIN),
        _shares(run.fix_special_errors(), SPECIAL),
        {name: counts[name] for name in MAIN},
    )


def _shares(gains: Mapping[Any, float], order: tuple[str, ...]) -> dict[str, float]:
    named = {kind.short_name: gain / 100 for kind, gain in gains.items()}
    return {name: named[name] for name in order}


def _truth(ground_truth: GroundTruth, kind: str) -> Any:
    from tidecv.data import Data

    data = Data('ground truth')
    for category in ground_truth['categories']:
        data.add_class(category['id'], category['name'])
    sizes = {}
    for image in ground_truth['images']:
        # Each one, for an image without an entry would not be judged.
        data.add_image(image['id'], str(image['id']))
        sizes[image['id']] = image.get('height'), image.get('width')
    for annotation in objects(ground_truth):
        add = data.add_ignore_region if annotation.get('iscrowd') else data.add_ground_truth
        shape = _shape(annotation, kind, *sizes[annotation['image_id']])
        add(annotation['image_id'], annotation['category_id'], **shape)
    for image_id, category_id in not_exhaustive(ground_truth):
        data.add_ignore_region(image_id, category_id)  # the whole image
    return data


def _coco_detections(predictions: CocoResults, kind: str) -> Any:
    from tidecv.data import Data

    data = Data('predictions')
    for prediction in predictions:
        ids = prediction['image_id'], prediction['category_id']
        data.add_detection(*ids, prediction['score'], **_shape(prediction, kind))
    return data


def _shape(entry: Mapping[str, Any], kind: str, height: int = 0, width: int = 0) -> dict[str, Any]:
    """The box or the mask; polygons and run lengths that are plain lists are encoded."""
    from pycocotools import mask as masks

    if kind == 'bbox':
        return {'box': entry['bbox']}
    mask = entry['segmentation']
    if isinstance(mask, list):
        mask = masks.merge(masks.frPyObjects(mask, height, width))
    elif isinstance(mask['counts'], list):
        mask = masks.frPyObjects(mask, *mask['size'])
    return {'mask': mask}
