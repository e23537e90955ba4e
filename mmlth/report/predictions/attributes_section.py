"""On what a ticket does better or worse than the dense model."""

from collections.abc import Mapping
from functools import partial

from mmlth.analysis.detection import KIND_WORDS, Attributes, Scores, attributes, score
from mmlth.report.page import CsvFile, Figure, Part, Section
from mmlth.report.predictions.attributes_plot import plot_attributes, plot_classes
from mmlth.report.predictions.attributes_table import (
    attributes_table,
    class_table,
    write_attributes_csv,
)
from mmlth.report.predictions.each_kind import analyse_each_kind
from mmlth.report.predictions.models import Models


def attributes_section(
    models: Models, training: Mapping[str, int] | None, lacking: str | None = None
) -> Section:
    """Average precision by size, frequency in training, difficulty and class.

    Args:
        models: The dense model first.
        training: By class its objects in the training data; None: there are no groups by frequency.
        lacking: Why these are not known, where the report should say so.

    Raises:
        ValueError: If no kind of prediction can be judged by the ground truth.
    """
    found, others = analyse_each_kind(
        models.kinds, lambda kind: attributes(_score(models, kind), training)
    )
    parts: list[Part] = [
        f'Average precision on {found[0].images:,} images, in groups of objects, with 95 % '
        f'intervals from {found[0].replicates:,} resamples of the images: the dense model and the '
        'tickets on the same resamples.'
    ]
    if lacking is not None:
        parts.append(f'No groups by frequency in training: {lacking}')
    parts += others
    for each in found:
        parts += _parts(each)
    parts.append(CsvFile('attributes.csv', partial(write_attributes_csv, found)))
    return Section('Attributes', tuple(parts))


def _score(models: Models, kind: str) -> Scores:
    sigmas = models.data.sigmas or None
    return score(models.data.coco, models.results(kind), kind, sigmas=sigmas)


def _parts(found: Attributes) -> list[Part]:
    words = KIND_WORDS[found.kind]
    parts: list[Part] = [attributes_table(found)]
    several = len(found.classes) > 1
    if several:
        parts.append(class_table(found))
    if len(found.models) > 1:
        parts.append(
            Figure(
                f'attributes_{found.kind}',
                f'Change of the average precision of {words} against the dense model.',
                f'Points with intervals, a row a group of {words}; the table has the numbers.',
                partial(plot_attributes, found),
            )
        )
        if several:
            parts.append(
                Figure(
                    f'classes_{found.kind}',
                    f'Difference in the average precision of {words} to the dense model, by class.',
                    'Points with intervals, a row a class; the table has the numbers.',
                    partial(plot_classes, found),
                )
            )
    return parts
