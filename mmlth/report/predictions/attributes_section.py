"""On what a ticket does better or worse than the dense model."""

from collections.abc import Mapping
from functools import partial

from mmlth.analysis.detection import KIND_WORDS, Attributes, CocoRules, Scores, attributes, score
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
        training: The number of objects in the training data by class; None: there are no groups by
            frequency.
        lacking: Why these are not known, where the report should say so.

    Raises:
        ValueError: If no kind of prediction can be judged by the ground truth.
    """
    analysed, others = analyse_each_kind(
        models.kinds, lambda kind: attributes(_score(models, kind), training)
    )
    parts: list[Part] = [
        f'Average precision on {analysed[0].images:,} images, in groups of objects, with 95 % '
        f'intervals from {analysed[0].replicates:,} resamples of the images: the dense model and '
        'the tickets on the same resamples.'
    ]
    if lacking is not None:
        parts.append(f'No groups by frequency in training: {lacking}')
    parts += others
    for each in analysed:
        parts += _parts(each)
    parts.append(CsvFile('attributes.csv', partial(write_attributes_csv, analysed)))
    return Section('Attributes', tuple(parts))


def _score(models: Models, kind: str) -> Scores:
    rules = CocoRules(sigmas=models.data.sigmas or None)
    return score(models.data.coco, models.results(kind), kind, rules)


def _parts(analysed: Attributes) -> list[Part]:
    words = KIND_WORDS[analysed.kind]
    parts: list[Part] = [attributes_table(analysed)]
    several = len(analysed.classes) > 1
    if several:
        parts.append(class_table(analysed))
    if len(analysed.models) > 1:
        parts.append(
            Figure(
                f'attributes_{analysed.kind}',
                f'Change of the average precision of {words} against the dense model.',
                f'Points with intervals, a row a group of {words}; the table has the numbers.',
                partial(plot_attributes, analysed),
            )
        )
        if several:
            parts.append(
                Figure(
                    f'classes_{analysed.kind}',
                    f'Difference in the average precision of {words} to the dense model, by class.',
                    'Points with intervals, a row a class; the table has the numbers.',
                    partial(plot_classes, analysed),
                )
            )
    return parts
