"""The shapes in which weights are removed."""

from mmlth.pruning.patterns.n_of_m import NOfM
from mmlth.pruning.patterns.orientation import inward, outward, transposed_weights
from mmlth.pruning.patterns.pattern import Pattern
from mmlth.pruning.patterns.units import channel, kernel
from mmlth.pruning.patterns.unstructured import unstructured

PATTERNS = {
    'unstructured': unstructured,
    'kernel': kernel,
    'channel': channel,
    'n_of_m': NOfM,
}
"""Functions, or classes whose instances are some, by the name that ``lottery.pattern`` gives."""

__all__ = [
    'PATTERNS',
    'NOfM',
    'Pattern',
    'channel',
    'inward',
    'kernel',
    'outward',
    'transposed_weights',
    'unstructured',
]
