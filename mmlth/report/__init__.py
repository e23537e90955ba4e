"""Reports of searches: tables in the terminal, CSVs of every number, plots, and one page."""

from mmlth.report.answer import plot_accuracy, results_table, write_results_csv
from mmlth.report.searches import Round, main_metrics, read_rounds
from mmlth.report.write import analysed, compared, print_comparison, print_results, write_report

__all__ = [
    'Round',
    'analysed',
    'compared',
    'main_metrics',
    'plot_accuracy',
    'print_comparison',
    'print_results',
    'read_rounds',
    'results_table',
    'write_report',
    'write_results_csv',
]
