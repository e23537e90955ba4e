"""The analyses of predictions, as sections of a report."""

from collections.abc import Callable, Iterable, Mapping

from mmlth.analysis.detection import check_annotated, check_predictions
from mmlth.engine import LotteryError
from mmlth.engine.evaluation import training_counts
from mmlth.messages import join_names, reason
from mmlth.report.page import Section
from mmlth.report.predictions.attributes_section import attributes_section
from mmlth.report.predictions.each_kind import EXPECTED
from mmlth.report.predictions.errors_section import errors_section
from mmlth.report.predictions.models import Models
from mmlth.report.predictions.samples_section import samples_section
from mmlth_common.choices import Formula

_FAILED = 'Not analysed: '


def analysis_sections(models: Models, formula: Formula = 'paper') -> list[Section]:
    """Attributes, errors and samples of models.

    Where one of them cannot be had, its section says why, and the others are as they are.

    Args:
        models: The dense model first.
        formula: The rules that tell errors of keypoints apart, see `keypoint_errors`.

    Raises:
        LotteryError: If they predict nothing that can be analysed.
        ValueError: If a model predicts nothing, there is nothing to find, or predictions and ground
            truth do not fit each other.
    """
    if not models.kinds:
        raise LotteryError(
            'the models predict neither boxes, masks nor keypoints that their config evaluates, '
            'so there is nothing to analyse'
        )
    check_annotated(models.data.coco)
    for kind in models.kinds:
        for name, results in models.results(kind).items():
            check_predictions(models.data.coco, results, kind, name)
    training, lacking = _training(models)
    return [
        _section('Attributes', lambda: attributes_section(models, training, lacking)),
        _section('Errors', lambda: errors_section(models, formula)),
        _section('Samples', lambda: samples_section(models)),
    ]


def failures(sections: Iterable[Section]) -> list[str]:
    """A line for each section of `analysis_sections` that merely says why there is none."""
    return [
        f'{section.title} are not analysed: {part.removeprefix(_FAILED)}'
        for section in sections
        for part in section.parts
        if isinstance(part, str) and part.startswith(_FAILED)
    ]


def _section(title: str, make: Callable[[], Section]) -> Section:
    try:
        return make()
    except EXPECTED as error:
        return Section(title, (f'{_FAILED}{reason(error)}',))


def _training(models: Models) -> tuple[Mapping[str, int] | None, str | None]:
    """The objects of each class in training, or why they are not known; one class needs neither."""
    names = [each['name'] for each in models.data.coco['categories']]
    if len(names) < 2:
        return None, None
    try:
        counts = training_counts(models.config)
    except EXPECTED as error:
        return None, reason(error)
    unknown = [name for name in names if name not in counts]
    if unknown:
        return None, f'the training data have no class {join_names(unknown)}'
    return counts, None
