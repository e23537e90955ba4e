"""What a ticket costs: multiply-adds, parameters, bytes."""

from mmlth.analysis.cost.macs import sum_by_module
from mmlth.analysis.cost.macs_notes import left_out_notes
from mmlth.analysis.cost.model_macs import ModelMacs, model_macs
from mmlth.analysis.cost.sizes import (
    Sizes,
    Stored,
    bitmask_bytes,
    entropy_bytes,
    sizes,
    sizes_in,
    stored,
)
from mmlth.analysis.cost.ticket_cost import TicketCost, ticket_cost

__all__ = [
    'ModelMacs',
    'Sizes',
    'Stored',
    'TicketCost',
    'bitmask_bytes',
    'entropy_bytes',
    'left_out_notes',
    'model_macs',
    'sizes',
    'sizes_in',
    'stored',
    'sum_by_module',
    'ticket_cost',
]
