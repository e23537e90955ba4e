"""What a ticket is like: its layers, its size, its work, and what changed since another ticket."""

from mmlth.analysis.inspection import Inspection, inspect_ticket
from mmlth.analysis.masks import LayerPair, TicketComparison, Zeros, compare_tickets
from mmlth.pruning import LayerMacs, count_macs

__all__ = [
    'Inspection',
    'LayerMacs',
    'LayerPair',
    'TicketComparison',
    'Zeros',
    'compare_tickets',
    'count_macs',
    'inspect_ticket',
]
