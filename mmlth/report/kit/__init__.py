"""What all sections are made of: cells, rows of CSV files, figures."""

from mmlth.report.kit.cells import ABSENT, mean_cell, percent, plain_table, short
from mmlth.report.kit.csv_rows import write_csv
from mmlth.report.kit.figure import COLOURS, GREY, MARKERS, despine, figure_at
from mmlth.report.kit.row_axis import Style, model_styles, row_axis

__all__ = [
    'ABSENT',
    'COLOURS',
    'GREY',
    'MARKERS',
    'Style',
    'despine',
    'figure_at',
    'mean_cell',
    'model_styles',
    'percent',
    'plain_table',
    'row_axis',
    'short',
    'write_csv',
]
