"""The first section of a page: does a ticket win, and how sparse is it?"""

from mmlth.report.answer.accuracy_plot import plot_accuracy
from mmlth.report.answer.comparison_table import comparison_table
from mmlth.report.answer.results_csv import write_results_csv
from mmlth.report.answer.results_table import results_table
from mmlth.report.answer.section import answer_section
from mmlth.report.answer.winning_ticket import find_winning_ticket

__all__ = [
    'answer_section',
    'comparison_table',
    'find_winning_ticket',
    'plot_accuracy',
    'results_table',
    'write_results_csv',
]
