"""What TIDE's errors cost, models side by side: table and CSV."""

from collections.abc import Iterable
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmlth.analysis.detection import MAIN, SPECIAL, Errors, Tide
from mmlth.report.kit import plain_table, write_csv
from mmlth.report.predictions.each_kind import SINGULAR

MEANING = {
    'Cls': 'wrong class',
    'Loc': 'badly placed',
    'Both': 'wrong class, badly placed',
    'Dupe': 'found before',
    'Bkg': 'background',
    'Miss': 'missed',
    'FalsePos': 'all false positives',
    'FalseNeg': 'all false negatives',
}
HEADER = ('kind', 'model', 'error', 'gain', 'count', 'ap')


def tide_table(tide: Tide) -> Table:
    """A row an error: by how much the AP would grow without it, and how many there are.

    Args:
        tide: The errors of models on one data set.
    """
    table = plain_table('error')
    for model in tide.models:
        table.add_column(Text(model, overflow='fold'), justify='right')
        table.add_column('count', justify='right', no_wrap=True)
    heights = [[f'{errors.ap:.3f}', ''] for errors in tide.models.values()]
    table.add_row(ap_at_iou(tide), *(cell for cells in heights for cell in cells))
    for names in (MAIN, SPECIAL):
        table.add_section()
        for name in names:
            cells = [_cells(errors, name) for errors in tide.models.values()]
            table.add_row(error_label(name), *(cell for pair in cells for cell in pair))
    table.caption = (
        f'gain: by which the {ap_at_iou(tide)} grows where all errors of a kind are mended'
    )
    table.caption_justify = 'left'
    return table


def tide_rows(tide: Tide) -> list[list[object]]:
    """A row each model and error: see `HEADER`; gains and AP are in [0, 1].

    Args:
        tide: The errors of models on one data set.
    """
    return [
        [tide.kind, model, name, error_gain(errors, name), errors.counts.get(name), errors.ap]
        for model, errors in tide.models.items()
        for name in (*MAIN, *SPECIAL)
    ]


def write_tide_csv(tides: Iterable[Tide], path: Path) -> None:
    """Writes the `tide_rows` of all kinds of prediction.

    Args:
        tides: The errors, one a kind of prediction.
        path: The file to write.
    """
    write_csv(path, HEADER, [row for each in tides for row in tide_rows(each)])


def ap_at_iou(tide: Tide) -> str:
    """What is measured: box AP or mask AP, and at which threshold."""
    return f'{SINGULAR[tide.kind]} AP at IoU {tide.foreground:g}'


def error_label(name: str) -> str:
    """The name of an error and what it means."""
    return f'{name}: {MEANING[name]}'


def error_gain(errors: Errors, name: str) -> float:
    """How much the AP would grow without an error, in [0, 1].

    Args:
        errors: The errors of a model.
        name: One of `MAIN` or `SPECIAL`.
    """
    return errors.main[name] if name in errors.main else errors.special[name]


def _cells(errors: Errors, name: str) -> list[str]:
    count = errors.counts.get(name)
    return [f'{error_gain(errors, name):+.3f}', '' if count is None else f'{count:,}']
