"""Which weights may be pruned, and the mask of the next round."""

from mmlth.engine.masking.costs import weight_costs
from mmlth.engine.masking.dry_run import dry_run_pruning
from mmlth.engine.masking.mask_update import compute_and_broadcast_mask, next_mask
from mmlth.engine.masking.pruner import Pruner, refused_as
from mmlth.engine.masking.targets import (
    TargetChoice,
    choose_targets,
    split_targets,
    table_of_targets,
)

__all__ = [
    'Pruner',
    'TargetChoice',
    'choose_targets',
    'compute_and_broadcast_mask',
    'dry_run_pruning',
    'next_mask',
    'refused_as',
    'split_targets',
    'table_of_targets',
    'weight_costs',
]
