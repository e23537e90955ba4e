"""The whole report on searches: its page, its files, and its summary in the terminal."""

from mmlth.report.writing.write import (
    analyse_predictions,
    print_results,
    print_searches,
    write_report,
    write_searches,
)

__all__ = [
    'analyse_predictions',
    'print_results',
    'print_searches',
    'write_report',
    'write_searches',
]
