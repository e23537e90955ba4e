"""Searches, finished or not, read once for a page."""

from mmlth.report.searches.aggregate import (
    TICKET,
    LineComparison,
    LinePoint,
    compare_lines,
    compare_searches,
    rounds_by_line,
)
from mmlth.report.searches.metrics import main_metrics
from mmlth.report.searches.rounds import (
    Round,
    agreed_sparsity,
    is_dense,
    macs_left,
    measured,
    metric_names,
    round_sparsity,
    saved,
    ticket_round,
    trained_unit,
)
from mmlth.report.searches.same_rounds import same_rounds
from mmlth.report.searches.search import Search, read_rounds, read_search
from mmlth.report.searches.searches import (
    Branch,
    Searches,
    missing_tickets,
    note_on_first,
    read_searches,
)
from mmlth.report.searches.tickets import RoundTicket, round_tickets, stamp
from mmlth.report.searches.trained_iterations import TrainingCost, training_cost, training_costs

__all__ = [
    'TICKET',
    'Branch',
    'LineComparison',
    'LinePoint',
    'Round',
    'RoundTicket',
    'Search',
    'Searches',
    'TrainingCost',
    'agreed_sparsity',
    'compare_lines',
    'compare_searches',
    'is_dense',
    'macs_left',
    'main_metrics',
    'measured',
    'metric_names',
    'missing_tickets',
    'note_on_first',
    'read_rounds',
    'read_search',
    'read_searches',
    'round_sparsity',
    'round_tickets',
    'rounds_by_line',
    'same_rounds',
    'saved',
    'stamp',
    'ticket_round',
    'trained_unit',
    'training_cost',
    'training_costs',
]
