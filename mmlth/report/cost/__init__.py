"""The section on what tickets cost."""

from mmlth.report.cost.cost import Costs, costs, macs_cell, size_cell
from mmlth.report.cost.section import cost_of, cost_section

__all__ = [
    'Costs',
    'cost_of',
    'cost_section',
    'costs',
    'macs_cell',
    'size_cell',
]
