"""In which shape weights are removed."""

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
"""By the name that ``lottery.pattern`` gives: functions, or classes whose instances are some."""

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
