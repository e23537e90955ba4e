"""Mask, targets, scores, allocation, schedule: pure torch, no I/O."""

from mmlth.pruning.allocation import global_allocation
from mmlth.pruning.averages import averaged_copies, count_parameters
from mmlth.pruning.mask import Mask, masked
from mmlth.pruning.masked_modules import (
    attach_mask,
    attached_mask,
    detach_mask,
    masked_class,
    revived,
    zero_pruned,
)
from mmlth.pruning.prune import prune
from mmlth.pruning.schedule import kept_per_round
from mmlth.pruning.scores import magnitude
from mmlth.pruning.targets import Target, TargetError, computed_weights, find_targets

__all__ = [
    'Mask',
    'Target',
    'TargetError',
    'attach_mask',
    'attached_mask',
    'averaged_copies',
    'computed_weights',
    'count_parameters',
    'detach_mask',
    'find_targets',
    'global_allocation',
    'kept_per_round',
    'magnitude',
    'masked',
    'masked_class',
    'prune',
    'revived',
    'zero_pruned',
]
