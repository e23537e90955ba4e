"""On what a ticket does better or worse than the dense model: all groups of classes and sizes."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmlth.analysis.detection.groups import (
    Group,
    all_objects,
    by_class,
    by_difficulty,
    by_frequency,
    by_lvis_frequency,
    by_size,
)
from mmlth.analysis.detection.scores import Scores


@dataclass(frozen=True)
class Attributes:
    """Models side by side, on one data set and one kind of prediction.

    Attributes:
        kind: ``bbox``, ``segm`` or ``keypoints``.
        models: Their names, the dense model's first.
        images: How many there are.
        replicates: How many resamples of the images the intervals are of.
        overall: All classes and sizes.
        sizes: From the smallest.
        frequency: From the classes that are rarest in training; empty without training counts.
        lvis: LVIS's rare, common and frequent classes; empty of other data sets.
        difficulty: From the classes that the dense model finds hardest.
        classes: One class each.
    """

    kind: str
    models: tuple[str, ...]
    images: int
    replicates: int
    overall: Group
    sizes: tuple[Group, ...]
    frequency: tuple[Group, ...]
    lvis: tuple[Group, ...]
    difficulty: tuple[Group, ...]
    classes: tuple[Group, ...]


def attributes(scores: Scores, training: Mapping[str, int] | None = None) -> Attributes:
    """Puts the scores of models into all groups.

    Args:
        scores: The scores of the models, see `mmlth.analysis.detection.scores.score`.
        training: The number of objects in the training set, by class; without it no groups by
            frequency.

    Raises:
        ValueError: If a class has no training count.
    """
    rows = next(iter(scores.replicates.values()))
    return Attributes(
        scores.kind,
        tuple(scores.values),
        scores.images,
        len(rows),
        all_objects(scores),
        by_size(scores),
        () if training is None else by_frequency(scores, training),
        by_lvis_frequency(scores),
        by_difficulty(scores),
        by_class(scores, training),
    )
