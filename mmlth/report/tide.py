"""What TIDE's errors cost, models side by side: a table, CSV and a picture."""

from collections.abc import Iterable
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmlth.analysis.tide import MAIN, SPECIAL, Errors, Tide
from mmlth.report.cells import plain_table
from mmlth.report.csv_rows import write_csv
from mmlth.report.drawing import across, drawing, model_styles

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

_WHAT = {'bbox': 'box', 'segm': 'mask'}


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
    table.add_row(_ap(found), *(cell for cells in heights for cell in cells))
    for names in (MAIN, SPECIAL):
        table.add_section()
        for name in names:
            cells = [_cells(errors, name) for errors in found.models.values()]
            table.add_row(_label(name), *(cell for pair in cells for cell in pair))
    table.caption = f'gain: by which the {_ap(found)} grows where all errors of a kind are mended'
    table.caption_justify = 'left'
    return table


def tide_rows(found: Tide) -> list[list[object]]:
    """A row each model and error: see `HEADER`; gains and AP are in [0, 1].

    Args:
        found: Of models on one data set.
    """
    return [
        [found.kind, model, name, _gain(errors, name), errors.counts.get(name), errors.ap]
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


def plot_tide(found: Tide, path: Path) -> None:
    """Draws what each error costs, a bar a model, as PNG or SVG.

    Args:
        found: Of models on one data set.
        path: Where to write.
    """
    styles = model_styles(list(found.models))
    thickness = 0.8 / len(styles)
    names = (*MAIN, '', *SPECIAL)
    with drawing(path, (8, len(names) * max(0.35, 0.16 * len(styles)) + 1.1)) as figure:
        axes = figure.subplots()
        across(axes, [_label(name) if name else '' for name in names])
        for index, (model, errors) in enumerate(found.models.items()):
            shift = thickness * (index + 0.5) - 0.4
            places = [row + shift for row, name in enumerate(names) if name]
            bars = axes.barh(
                places,
                [_gain(errors, name) for name in names if name],
                height=0.9 * thickness,
                color=styles[model][0],
                label=f'{model} (AP {errors.ap:.3f})',
            )
            axes.bar_label(bars, fmt='%.3f', fontsize=7, padding=2, color='#444444')
        axes.margins(x=0.08)
        axes.set_xlabel(f'gain in {_ap(found)} where all errors of a kind are mended')
        figure.legend(loc='outside upper right', ncols=3, frameon=False)


def _ap(found: Tide) -> str:
    return f'{_WHAT[found.kind]} AP at IoU {found.foreground:g}'


def _label(name: str) -> str:
    return f'{name}: {MEANING[name]}'


def _gain(errors: Errors, name: str) -> float:
    return errors.main[name] if name in errors.main else errors.special[name]


def _cells(errors: Errors, name: str) -> list[str]:
    count = errors.counts.get(name)
    return [f'{_gain(errors, name):+.3f}', '' if count is None else f'{count:,}']
