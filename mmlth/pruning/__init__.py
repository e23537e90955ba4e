"""Mask, targets, scores, allocations, patterns, schedule: pure torch, no I/O."""

from mmlth.pruning.allocation import Allocation, global_allocation
from mmlth.pruning.averages import TEACHERS, averaged_copies, count_parameters
from mmlth.pruning.budget import Costs, amounts, kept_amount
from mmlth.pruning.controls import CONTROLS, Control, noise
from mmlth.pruning.deviations import LOG_DEVIATION, deviations, means
from mmlth.pruning.distance import Overlap, chance_hamming, overlap, overlaps, together
from mmlth.pruning.errors import PruningError
from mmlth.pruning.gaussian_weights import (
    add_deviations,
    add_prior_gradient,
    divergence,
    draw_weights,
    gaussian_weights,
    kaiming_scale,
    reset_deviations,
    restore_means,
)
from mmlth.pruning.identity import identity
from mmlth.pruning.kept_counts import kept_at, kept_per_round
from mmlth.pruning.macs import LayerMacs, Macs, count_macs
from mmlth.pruning.mask import Mask, masked
from mmlth.pruning.masked_modules import (
    MASKED_CLASSES,
    attach_mask,
    attached_mask,
    detach_mask,
    masked_class,
    masked_parameters,
    revived,
    watched_gradients,
    zero_pruned,
)
from mmlth.pruning.methods import METHODS, Length, Method, Moment, Step
from mmlth.pruning.patterns import FourByOne, NOfM, Pattern, grouped_weights, transposed_weights
from mmlth.pruning.predictors import is_predictor
from mmlth.pruning.prune import prune
from mmlth.pruning.rst import add_penalty, growth, penalty, random_subset
from mmlth.pruning.schedules import (
    SCHEDULES,
    Schedule,
    by_list,
    by_rate,
    check_schedule,
    geometric,
    one_shot,
)
from mmlth.pruning.scopes import read_scope
from mmlth.pruning.score_inputs import Network, ScoreInputs
from mmlth.pruning.scores import Score, magnitude, needing, needs_of
from mmlth.pruning.starved_layers import starved
from mmlth.pruning.targets import (
    PRUNABLE_PARAMETERS,
    Target,
    TargetError,
    computed_weights,
    find_targets,
    left_dense,
)

__all__ = [
    'CONTROLS',
    'LOG_DEVIATION',
    'MASKED_CLASSES',
    'METHODS',
    'PRUNABLE_PARAMETERS',
    'SCHEDULES',
    'TEACHERS',
    'Allocation',
    'Control',
    'Costs',
    'FourByOne',
    'LayerMacs',
    'Length',
    'Macs',
    'Mask',
    'Method',
    'Moment',
    'NOfM',
    'Network',
    'Overlap',
    'Pattern',
    'PruningError',
    'Schedule',
    'Score',
    'ScoreInputs',
    'Step',
    'Target',
    'TargetError',
    'add_deviations',
    'add_penalty',
    'add_prior_gradient',
    'amounts',
    'attach_mask',
    'attached_mask',
    'averaged_copies',
    'by_list',
    'by_rate',
    'chance_hamming',
    'check_schedule',
    'computed_weights',
    'count_macs',
    'count_parameters',
    'detach_mask',
    'deviations',
    'divergence',
    'draw_weights',
    'find_targets',
    'gaussian_weights',
    'geometric',
    'global_allocation',
    'grouped_weights',
    'growth',
    'identity',
    'is_predictor',
    'kaiming_scale',
    'kept_amount',
    'kept_at',
    'kept_per_round',
    'left_dense',
    'magnitude',
    'masked',
    'masked_class',
    'masked_parameters',
    'means',
    'needing',
    'needs_of',
    'noise',
    'one_shot',
    'overlap',
    'overlaps',
    'penalty',
    'prune',
    'random_subset',
    'read_scope',
    'reset_deviations',
    'restore_means',
    'revived',
    'starved',
    'together',
    'transposed_weights',
    'watched_gradients',
    'zero_pruned',
]
