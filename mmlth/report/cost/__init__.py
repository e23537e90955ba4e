"""The section on what tickets cost."""

from mmlth.report.cost.cost_table import macs_cell, size_cell
from mmlth.report.cost.costs import Costs, count_costs
from mmlth.report.cost.section import cost_of, cost_section

__all__ = [
    'Costs',
    'cost_of',
    'cost_section',
    'count_costs',
    'macs_cell',
    'size_cell',
]
