"""Lines beside each other: a table in the terminal, Markdown, and CSV."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from mmlth.report.kit import ABSENT, mean_cell, percent, plain_table, write_csv
from mmlth.report.searches import LineComparison, LinePoint

WINS = '*'
_OVER_SEEDS = (
    f'mean ± standard deviation over seeds; {WINS}: within one standard deviation of the dense '
    'model, or better'
)
_OF_ONE_SEED = f'of one seed, so there is no standard deviation, and no {WINS} for what wins'


def comparison_table(comparison: LineComparison) -> Table:
    """A row a line, a column a sparsity.

    Args:
        comparison: The lines of one metric.
    """
    table = plain_table(comparison.metric)
    table.columns[0].no_wrap = True  # where there are many columns, numbers fold rather than names
    for sparsity in comparison.sparsities:
        table.add_column(percent(sparsity), justify='right')
    for cells in _rows(comparison):
        table.add_row(*cells)
    table.caption = _OF_ONE_SEED if comparison.dense.std is None else _OVER_SEEDS
    table.caption_justify = 'left'
    return table


def write_comparison_csv(comparisons: Sequence[LineComparison], path: Path) -> None:
    """Writes a row for each line, sparsity and metric: mean, std, number of seeds, each value.

    Args:
        comparisons: One a metric.
        path: The file to write.
    """
    header = ['metric', 'line', 'sparsity', 'network_sparsity', 'mean', 'std', 'seeds', 'wins']
    rows = []
    for comparison in comparisons:
        lines = {'dense': [comparison.dense], **comparison.lines}
        for name, points in lines.items():
            for point in points:
                numbers = [point.sparsity, point.network_sparsity, point.mean, point.std]
                wins = None if name == 'dense' else point.wins(comparison.dense, comparison.metric)
                values = ' '.join(map(repr, point.values))
                rows.append([comparison.metric, name, *numbers, len(point.values), wins, values])
    write_csv(path, [*header, 'values'], rows)


def _rows(comparison: LineComparison) -> list[list[str]]:
    dense = [f'dense {_text(comparison.dense)}', *[''] * len(comparison.sparsities)]
    return [dense] + [
        [name, *(_cell(points, sparsity, comparison) for sparsity in comparison.sparsities)]
        for name, points in comparison.lines.items()
    ]


def _cell(points: Sequence[LinePoint], sparsity: float, comparison: LineComparison) -> str:
    for point in points:
        if point.sparsity == sparsity:
            return _text(point) + (WINS if point.wins(comparison.dense, comparison.metric) else '')
    return ABSENT


def _text(point: LinePoint) -> str:
    return mean_cell(point.values, '.3f')
