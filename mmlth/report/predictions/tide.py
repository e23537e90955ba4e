"""What TIDE's errors cost, models side by side: a table, CSV and a picture."""

from collections.abc import Iterable
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmlth.analysis.detection import MAIN, SPECIAL, Errors, Tide
from mmlth.report.kit import figure_at, model_styles, plain_table, row_axis, write_csv
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
    names = (*MAIN, '', *SPECIAL)
    bar = max(0.12, 0.3 / len(styles))  # inches
    rows = [
        (_label(name) if name else '', bar * len(styles) + 0.1 if name else 0.1) for name in names
    ]
    with figure_at(path, 8, sum(height for _, height in rows) + 1.1) as figure:
        axes = figure.subplots()
        middles = [middle for middle, name in zip(row_axis(axes, rows), names) if name]
        for index, (model, errors) in enumerate(found.models.items()):
            bars = axes.barh(
                [middle + bar * (index + 0.5 - len(styles) / 2) for middle in middles],
                [_gain(errors, name) for name in names if name],
                height=0.9 * bar,
                color=styles[model].colour,
                hatch=styles[model].hatch,
                edgecolor='white',
                linewidth=0,
                label=f'{model} (AP {errors.ap:.3f})',
            )
            axes.bar_label(bars, fmt='%.3f', fontsize=7, padding=2, color='#444444')
        axes.margins(x=0.08)
        axes.set_xlabel(f'gain in {_ap(found)} where all errors of a kind are mended')
        figure.legend(loc='outside upper right', ncols=3, frameon=False)


def _ap(found: Tide) -> str:
    return f'{SINGULAR[found.kind]} AP at IoU {found.foreground:g}'


def _label(name: str) -> str:
    return f'{name}: {MEANING[name]}'


def _gain(errors: Errors, name: str) -> float:
    return errors.main[name] if name in errors.main else errors.special[name]


def _cells(errors: Errors, name: str) -> list[str]:
    count = errors.counts.get(name)
    return [f'{_gain(errors, name):+.3f}', '' if count is None else f'{count:,}']
