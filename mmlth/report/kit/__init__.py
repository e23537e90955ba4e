"""What all sections are made of: tables, numbers, rows of CSV files, figures and their styles."""

from mmlth.report.kit.csv_rows import write_csv
from mmlth.report.kit.figure import despine, figure_at
from mmlth.report.kit.numbers import (
    ABSENT,
    bare_percent,
    mean_cell,
    percent,
    percent_removed,
    short_count,
    signed,
)
from mmlth.report.kit.row_axis import row_axis
from mmlth.report.kit.size_formats import FORMAT_LEGEND, FORMATS
from mmlth.report.kit.styles import COLOURS, GREY, Style, model_styles, style
from mmlth.report.kit.tables import plain_table

__all__ = [
    'ABSENT',
    'COLOURS',
    'FORMATS',
    'FORMAT_LEGEND',
    'GREY',
    'Style',
    'bare_percent',
    'despine',
    'figure_at',
    'mean_cell',
    'model_styles',
    'percent',
    'percent_removed',
    'plain_table',
    'row_axis',
    'short_count',
    'signed',
    'style',
    'write_csv',
]
