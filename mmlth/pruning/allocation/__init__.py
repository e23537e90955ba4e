"""How a number of weights is spread over the layers."""

from mmlth.pruning.allocation.allocation import Allocation
from mmlth.pruning.allocation.budgets import Budgets
from mmlth.pruning.allocation.erk import erk
from mmlth.pruning.allocation.floor import least_kept, with_floor
from mmlth.pruning.allocation.lamp import lamp
from mmlth.pruning.allocation.layerwise import keep_counts
from mmlth.pruning.allocation.ranking import global_allocation
from mmlth.pruning.allocation.uniform import uniform

ALLOCATIONS = {
    'global': global_allocation,
    'uniform': uniform,
    'erk': erk,
    'lamp': lamp,
    'budgets': Budgets,
}
"""Functions, or classes whose instances are some, by the name that ``lottery.allocation`` gives."""

__all__ = [
    'ALLOCATIONS',
    'Allocation',
    'Budgets',
    'erk',
    'global_allocation',
    'keep_counts',
    'lamp',
    'least_kept',
    'uniform',
    'with_floor',
]
