"""What a ticket is like: its layers, its size, its work, and what changed since another ticket."""

from mmlth.analysis.comparison import Comparison, LayerPair, compare
from mmlth.analysis.inspection import Inspection, inspect_ticket
from mmlth.analysis.layers import Layer, Module, Zeros, layers, modules
from mmlth.analysis.macs import Macs, Work, count_macs
from mmlth.analysis.sizes import Sizes, Stored, sizes, stored

__all__ = [
    'Comparison',
    'Inspection',
    'Layer',
    'LayerPair',
    'Macs',
    'Module',
    'Sizes',
    'Stored',
    'Work',
    'Zeros',
    'compare',
    'count_macs',
    'inspect_ticket',
    'layers',
    'modules',
    'sizes',
    'stored',
]
