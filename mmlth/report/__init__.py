"""Reports of searches: tables in the terminal, CSVs of every number, plots, and one page."""

from mmlth.report.answer import plot_accuracy, results_table, write_results_csv
from mmlth.report.searches import (
    Round,
    Searches,
    compare_searches,
    main_metrics,
    read_rounds,
    read_searches,
)
from mmlth.report.write import (
    analyse_predictions,
    print_results,
    print_searches,
    write_report,
    write_searches,
)

__all__ = [
    'Round',
    'Searches',
    'analyse_predictions',
    'compare_searches',
    'main_metrics',
    'plot_accuracy',
    'print_results',
    'print_searches',
    'read_rounds',
    'read_searches',
    'results_table',
    'write_report',
    'write_results_csv',
    'write_searches',
]
