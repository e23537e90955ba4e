"""Reports of a search: a table in the terminal, a CSV of every number, and plots."""

from mmlth.report.comparison import print_comparison, write_comparison
from mmlth.report.metrics import main_metrics
from mmlth.report.plot import plot_accuracy
from mmlth.report.results import write_results_csv
from mmlth.report.rounds import Round, read_rounds
from mmlth.report.table import results_table
from mmlth.report.write import print_results, write_report

__all__ = [
    'Round',
    'main_metrics',
    'plot_accuracy',
    'print_comparison',
    'print_results',
    'read_rounds',
    'results_table',
    'write_comparison',
    'write_report',
    'write_results_csv',
]
