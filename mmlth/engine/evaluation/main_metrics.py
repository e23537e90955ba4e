"""Which metrics a person looks at first."""

import re
from collections.abc import Sequence
from typing import Any

from mmlth.engine.evaluation.metrics import plain_metrics

# Average precision over all thresholds and at IoU (or OKS) 0.5, of any task, in the spellings of
# MMDet (bbox_mAP, bbox_mAP_50), LVIS and VOC (bbox_AP50, AP50) and MMPose (AP, AP .5).
_AVERAGE_PRECISION = re.compile(r'(?:^|[/_])m?AP(?:_50|50| \.5)?$')

# Overlap of the areas of classes, their mean, in the spellings of MMSegmentation.
_OVERLAP = re.compile(r'(?:^|[/_])m(?:IoU|Dice|Fscore)$')

_FEW = 4


def is_average_precision(metric: str) -> bool:
    """Tells whether a metric is an average precision, overall or at threshold 0.5."""
    return _AVERAGE_PRECISION.search(metric) is not None


def main_among(names: Sequence[str]) -> list[str]:
    """Chooses the metrics that sum up a training.

    These are each task's average precision and its average precision at threshold 0.5
    (``coco/bbox_mAP`` and ``coco/bbox_mAP_50``, ``coco/AP`` and ``coco/AP .5``), or the mean over
    classes of how far areas overlap (``mIoU``). Where no metric is one of those (PCK, PQ, a metric
    of the user's own), they are the first four.

    Args:
        names: Names of metrics.
    """
    precisions = [name for name in names if is_average_precision(name)]
    return precisions or [name for name in names if _OVERLAP.search(name)] or list(names[:_FEW])


def short_names(metrics: Sequence[str]) -> list[str]:
    """Drops the data set's prefix from metrics that all share it."""
    prefixes = {name.rpartition('/')[0] for name in metrics}
    return [name.rpartition('/')[2] for name in metrics] if len(prefixes) == 1 else list(metrics)


def short_metrics(metrics: Any) -> dict[str, float | None]:
    """The numbers of a validation that sum it up, by their short names.

    Args:
        metrics: What an evaluator returned, see `plain_metrics`.
    """
    values = plain_metrics(metrics)
    main = main_among(list(values))
    return dict(zip(short_names(main), map(values.__getitem__, main)))
