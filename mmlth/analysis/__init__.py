"""What a ticket is like: its layers, its size, its work, and what changed since another ticket."""

from mmlth.analysis.cost import LayerMacs, Macs, Sizes, Stored, count_macs, sizes, stored
from mmlth.analysis.inspection import Inspection, inspect_ticket
from mmlth.analysis.masks import (
    Layer,
    LayerPair,
    Module,
    TicketComparison,
    Zeros,
    compare_tickets,
    layers,
    modules,
)

__all__ = [
    'Inspection',
    'Layer',
    'LayerMacs',
    'LayerPair',
    'Macs',
    'Module',
    'Sizes',
    'Stored',
    'TicketComparison',
    'Zeros',
    'compare_tickets',
    'count_macs',
    'inspect_ticket',
    'layers',
    'modules',
    'sizes',
    'stored',
]
