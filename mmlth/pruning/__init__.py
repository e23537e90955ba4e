"""Mask, targets, scores, allocations, patterns, schedule: pure torch, no I/O."""

from mmlth.pruning.allocation import Allocation, global_allocation
from mmlth.pruning.averages import averaged_copies, count_parameters
from mmlth.pruning.evidence import Evidence, Network
from mmlth.pruning.mask import Mask, masked
from mmlth.pruning.masked_modules import (
    attach_mask,
    attached_mask,
    detach_mask,
    masked_class,
    revived,
    zero_pruned,
)
from mmlth.pruning.patterns import NOfM, Pattern, transposed_weights
from mmlth.pruning.prune import prune
from mmlth.pruning.schedule import kept_at, kept_per_round
from mmlth.pruning.scores import Score, magnitude
from mmlth.pruning.targets import Target, TargetError, computed_weights, find_targets, left_dense

__all__ = [
    'Allocation',
    'Evidence',
    'Mask',
    'NOfM',
    'Network',
    'Pattern',
    'Score',
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
    'kept_at',
    'kept_per_round',
    'left_dense',
    'magnitude',
    'masked',
    'masked_class',
    'prune',
    'revived',
    'transposed_weights',
    'zero_pruned',
]
