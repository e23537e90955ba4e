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


def tide_table(found: Tide) -> Table:
    """A row an error: by how much the AP would grow without it, and how many there are.

    Args:
        found: Of models on one data set.
    """
    table = plain_table('error')
    for model in found.models:
        table.add_column(Text(model, overflow='fold'), justify='right')
        table.add_column('count', justify='right', no_wrap=True)
    heights = [[f'{errors.ap:.3f}', ''] for errors in found.models.values()]
    table.add_row(ap_name(found), *(cell for cells in heights for cell in cells))
    for names in (MAIN, SPECIAL):
        table.add_section()
        for name in names:
            cells = [_cells(errors, name) for errors in found.models.values()]
            table.add_row(error_label(name), *(cell for pair in cells for cell in pair))
    table.caption = (
        f'gain: by which the {ap_name(found)} grows where all errors of a kind are mended'
    )
    table.caption_justify = 'left'
    return table


def tide_rows(found: Tide) -> list[list[object]]:
    """A row each model and error: see `HEADER`; gains and AP are in [0, 1].

    Args:
        found: Of models on one data set.
    """
    return [
        [found.kind, model, name, error_gain(errors, name), errors.counts.get(name), errors.ap]
        for model, errors in found.models.items()
        for name in (*MAIN, *SPECIAL)
    ]


def write_tide_csv(found: Iterable[Tide], path: Path) -> None:
    """Writes the `tide_rows` of all kinds of prediction.

    Args:
        found: One a kind.
        path: Where to write.
    """
    write_csv(path, HEADER, [row for each in found for row in tide_rows(each)])


def ap_name(found: Tide) -> str:
    return f'{SINGULAR[found.kind]} AP at IoU {found.foreground:g}'


def error_label(name: str) -> str:
    return f'{name}: {MEANING[name]}'


def error_gain(errors: Errors, name: str) -> float:
    return errors.main[name] if name in errors.main else errors.special[name]


def _cells(errors: Errors, name: str) -> list[str]:
    count = errors.counts.get(name)
    return [f'{error_gain(errors, name):+.3f}', '' if count is None else f'{count:,}']
