"""What many masks are like, as tables, CSV and pictures."""

from mmlth.report.masks.layers_section import layers_of, layers_section
from mmlth.report.masks.section import masks_of, masks_section

__all__ = [
    'layers_of',
    'layers_section',
    'masks_of',
    'masks_section',
]
