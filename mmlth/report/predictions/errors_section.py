"""What kinds of error models make, and what each costs."""

from collections.abc import Mapping
from functools import partial

from mmlth.analysis.detection import KIND_WORDS, MODES, tide
from mmlth.analysis.keypoints import KeypointRules, Skeleton, keypoint_errors
from mmlth.report.page import CsvFile, Details, Figure, Part, Section
from mmlth.report.predictions.each_kind import analyse_each_kind
from mmlth.report.predictions.keypoint_errors_plot import plot_keypoint_errors
from mmlth.report.predictions.keypoint_errors_table import (
    joint_table,
    keypoint_error_table,
    write_keypoint_curves_csv,
    write_keypoint_errors_csv,
    write_keypoint_kinds_csv,
)
from mmlth.report.predictions.models import Models
from mmlth.report.predictions.tide_plot import plot_tide
from mmlth.report.predictions.tide_table import tide_table, write_tide_csv
from mmlth_common.choices import Formula

_OKS = 0.75
_RULES: Mapping[Formula, str] = {
    'paper': 'by the rules of the paper',
    'released': (
        'by the rules of their released code (kinds go by the nearest joint, matches with ignored '
        'instances are corrected too, background and undetected are told at the threshold of the '
        'curve, the latter on top of the former)'
    ),
}


def errors_section(models: Models, formula: Formula = 'paper') -> Section:
    """TIDE's errors of boxes and masks, and errors of keypoints.

    Args:
        models: The dense model first.
        formula: The rules that tell errors of keypoints apart, see `keypoint_errors`.

    Raises:
        ValueError: If no kind of prediction can be judged by the ground truth.
    """
    parts: list[Part] = []
    if any(kind in MODES for kind in models.kinds):
        parts += _of_detection(models)
    if 'keypoints' in models.kinds:
        parts += _of_keypoints(models, formula)
    return Section('Errors', tuple(parts))


def _of_detection(models: Models) -> list[Part]:
    errors, others = analyse_each_kind(
        [kind for kind in models.kinds if kind in MODES],
        lambda kind: tide(models.data.coco, models.results(kind), kind),
    )
    parts: list[Part] = [
        'Errors of detection after TIDE (Bolya et al., ECCV 2020): by how much the average '
        'precision would grow where all errors of a kind are mended.',
        *others,
    ]
    for each in errors:
        words = KIND_WORDS[each.kind]
        figure = Figure(
            f'errors_{each.kind}',
            f'Errors of {words}.',
            f'Bars: gain in average precision by kind of error of {words}, a bar a model; the '
            'table has the numbers.',
            partial(plot_tide, each),
        )
        parts += [tide_table(each), figure]
    return [*parts, CsvFile('errors.csv', partial(write_tide_csv, errors))]


def _of_keypoints(models: Models, formula: Formula) -> list[Part]:
    data = models.data
    skeleton = Skeleton(data.joints, data.sigmas, data.swaps)
    errors = {
        name: keypoint_errors(data.coco, results, skeleton, KeypointRules(formula=formula))
        for name, results in models.results('keypoints').items()
    }
    figure = Figure(
        'keypoint_errors',
        f'Precision against recall at OKS {_OKS:g}, as detected and without one kind of error.',
        f'Curves of precision against recall, a panel a model; the columns at OKS {_OKS:g} of the '
        'table have the areas below them.',
        partial(plot_keypoint_errors, errors, _OKS),
    )
    joints = [
        Details(f'Kinds of error by joint: {name}', joint_table(each))
        for name, each in errors.items()
    ]
    return [
        f'Errors of keypoints after Ronchi and Perona (ICCV 2017), {_RULES[formula]}: what average '
        'precision would be were one kind of error corrected.',
        keypoint_error_table(errors, _OKS),
        figure,
        *joints,
        CsvFile('keypoint_errors.csv', partial(write_keypoint_errors_csv, errors)),
        CsvFile('keypoint_curves.csv', partial(write_keypoint_curves_csv, errors, _OKS)),
        CsvFile('keypoint_kinds.csv', partial(write_keypoint_kinds_csv, errors)),
    ]
