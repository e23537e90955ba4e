"""Errors of keypoints of several models side by side: tables and CSV."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmlth.analysis.keypoints import ERRORS, KINDS, RECALLS, KeypointErrors
from mmlth.report.kit import ABSENT, percent, plain_table, write_csv

LEGEND = """\
share: of the keypoints; of background, of the predictions; of undetected, of the instances
AP: average precision, the mean over thresholds of OKS unless one is told; as detected, and below it
what is gained when this error alone is corrected"""
DETECTED = 'as detected'


def keypoint_error_table(models: Mapping[str, KeypointErrors], oks: float | None = None) -> Table:
    """A row a kind of error: how frequent it is, and what correcting it gains, model by model.

    Gains are of the average precision that is the mean over all thresholds.

    Args:
        models: The errors of each model by its name.
        oks: A threshold whose average precision, the area below its curve, stands beside the mean.

    Raises:
        ValueError: If nothing was computed at this threshold.
    """
    thresholds = (None,) if oks is None else (None, oks)
    table = plain_table('error')
    for name in models:
        headers = ('AP' if each is None else f'AP at OKS {each:g}' for each in thresholds)
        for header in (f'{name}: share', *headers):
            table.add_column(Text(header), justify='right', overflow='fold')
    for error in (None, *ERRORS):
        cells = []
        for errors in models.values():
            cells.append(ABSENT if error is None else percent(errors.share(error)))
            cells += [_value(errors, error, each) for each in thresholds]
        table.add_row(error or DETECTED, *cells)
    table.caption, table.caption_justify = LEGEND, 'left'
    return table


def joint_table(errors: KeypointErrors) -> Table:
    """A row a joint, and all together: how many keypoints there are, and the share of each kind."""
    table = plain_table('joint')
    for header in ('keypoints', *KINDS):
        table.add_column(header, justify='right', no_wrap=True)
    for index, joint in enumerate(errors.joints):
        counts = [errors.kinds[kind][index] for kind in KINDS]
        table.add_row(Text(joint), *_shares(counts))
    table.add_section()
    table.add_row('all', *_shares([errors.count(kind) for kind in KINDS]))
    return table


def write_keypoint_errors_csv(models: Mapping[str, KeypointErrors], path: Path) -> None:
    """Writes a row a model, OKS threshold and error: count, share, average precision, its gain.

    Rows without an OKS are of the mean over all thresholds, rows without an error of the model as
    detected. Other cells are empty where there is no value.

    Args:
        models: The errors of each model by its name.
        path: The file to write.
    """
    rows: list[Sequence[object]] = []
    for name, errors in models.items():
        for oks in (None, *(curve.oks for curve in errors.detected)):
            rows.append((name, oks, None, None, None, errors.ap(None, oks), None))
            for error in ERRORS:
                numbers = errors.ap(error, oks), errors.gain(error, oks)
                rows.append((name, oks, error, errors.count(error), errors.share(error), *numbers))
    write_csv(path, ('model', 'oks', 'error', 'count', 'share', 'ap', 'gain'), rows)


def write_keypoint_curves_csv(models: Mapping[str, KeypointErrors], oks: float, path: Path) -> None:
    """Writes the points of the curves that `plot_keypoint_errors` draws, a row each.

    Rows without an error are of the model as detected. Where there is nothing to find, there is no
    curve.

    Args:
        models: The errors of each model by its name.
        oks: The threshold.
        path: The file to write.

    Raises:
        ValueError: If nothing was computed at this threshold.
    """
    rows = [
        (name, error, oks, recall, precision)
        for name, errors in models.items()
        for error in (None, *ERRORS)
        for recall, precision in zip(RECALLS.tolist(), errors.curve(oks, error).precision)
    ]
    write_csv(path, ('model', 'error', 'oks', 'recall', 'precision'), rows)


def write_keypoint_kinds_csv(models: Mapping[str, KeypointErrors], path: Path) -> None:
    """Writes a row a model, joint and kind: how many of the joint's keypoints are of it.

    Args:
        models: The errors of each model by its name.
        path: The file to write.
    """
    rows = [
        (name, joint, kind, errors.kinds[kind][index])
        for name, errors in models.items()
        for index, joint in enumerate(errors.joints)
        for kind in KINDS
    ]
    write_csv(path, ('model', 'joint', 'kind', 'count'), rows)


def _shares(counts: Sequence[int]) -> list[str]:
    total = sum(counts)
    return [str(total), *(percent(count / total if total else None) for count in counts)]


def _value(errors: KeypointErrors, error: str | None, oks: float | None) -> str:
    """The average precision as detected, or the gain of an error."""
    return ap_cell(errors.ap(oks=oks)) if error is None else _gain(errors.gain(error, oks))


def ap_cell(value: float | None) -> str:
    """An average precision with three digits."""
    return ABSENT if value is None else f'{value:.3f}'


def _gain(value: float | None) -> str:
    return ABSENT if value is None else f'{value:+.3f}'
