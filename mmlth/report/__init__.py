"""Reports of searches: tables in the terminal, CSVs of every number, plots, and one page."""

from mmlth.report.metrics import main_metrics
from mmlth.report.plot import plot_accuracy
from mmlth.report.results import write_results_csv
from mmlth.report.rounds import Round, read_rounds
from mmlth.report.table import results_table
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
