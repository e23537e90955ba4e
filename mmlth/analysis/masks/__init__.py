"""What is measured on masks: their layers, wholly zero parts, similarity, survival and noise."""

from mmlth.analysis.masks.comparison import LayerPair, TicketComparison, compare_tickets
from mmlth.analysis.masks.layers import (
    Layer,
    Module,
    Zeros,
    by_module,
    density,
    layers,
    module_of,
    modules,
    summed,
)
from mmlth.analysis.masks.noise import Flips, flips
from mmlth.analysis.masks.profile import MaskProfile, profile
from mmlth.analysis.masks.similarity import Matrix, Similarity, similarity
from mmlth.analysis.masks.survival import Survival, survival
from mmlth.analysis.masks.zeros import PART_KINDS, Kind, ZeroParts, zero_parts

__all__ = [
    'PART_KINDS',
    'Flips',
    'Kind',
    'Layer',
    'LayerPair',
    'MaskProfile',
    'Matrix',
    'Module',
    'Similarity',
    'Survival',
    'TicketComparison',
    'ZeroParts',
    'Zeros',
    'by_module',
    'compare_tickets',
    'density',
    'flips',
    'layers',
    'module_of',
    'modules',
    'profile',
    'similarity',
    'summed',
    'survival',
    'zero_parts',
]
