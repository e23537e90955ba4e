"""Finished searches, read for a page."""

from mmlth.report.searches.aggregate import TICKET, Comparison, Point, compare, rounds_by_line
from mmlth.report.searches.metrics import (
    is_average_precision,
    main_among,
    main_metrics,
    short_names,
)
from mmlth.report.searches.multi_seed import of_the_first, same_rounds, search_names
from mmlth.report.searches.rounds import (
    Round,
    level,
    measured,
    metric_names,
    read_rounds,
    saved,
    ticket_round,
    trained_unit,
)
from mmlth.report.searches.search import Search, read_search
from mmlth.report.searches.tickets import (
    RoundTicket,
    branches,
    missing_tickets,
    round_tickets,
    stamp,
    tickets_of,
)

__all__ = [
    'TICKET',
    'Comparison',
    'Point',
    'Round',
    'RoundTicket',
    'Search',
    'branches',
    'compare',
    'is_average_precision',
    'level',
    'main_among',
    'main_metrics',
    'measured',
    'metric_names',
    'missing_tickets',
    'of_the_first',
    'read_rounds',
    'read_search',
    'round_tickets',
    'rounds_by_line',
    'same_rounds',
    'saved',
    'search_names',
    'short_names',
    'stamp',
    'ticket_round',
    'tickets_of',
    'trained_unit',
]
