"""What a ticket costs: multiply-adds, parameters, bytes."""

from mmlth.analysis.cost.cost import Cost, cost
from mmlth.analysis.cost.macs import LayerMacs, Macs, count_macs
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

__all__ = [
    'Cost',
    'LayerMacs',
    'Macs',
    'ModelMacs',
    'Sizes',
    'Stored',
    'bitmask_bytes',
    'cost',
    'count_macs',
    'entropy_bytes',
    'left_out_notes',
    'model_macs',
    'sizes',
    'sizes_in',
    'stored',
]
