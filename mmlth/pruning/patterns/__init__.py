"""The shapes in which weights are removed."""

from mmlth.pruning.patterns.four_by_one import FourByOne
from mmlth.pruning.patterns.n_of_m import NOfM
from mmlth.pruning.patterns.orientation import (
    grouped_weights,
    inward,
    outward,
    transposed_weights,
)
from mmlth.pruning.patterns.pattern import Pattern
from mmlth.pruning.patterns.units import channel, kernel
from mmlth.pruning.patterns.unstructured import unstructured

PATTERNS = {
    'unstructured': unstructured,
    'kernel': kernel,
    'channel': channel,
    '4x1': FourByOne,
    'n_of_m': NOfM,
}
"""Functions, or classes whose instances are some, by the name that ``lottery.pattern`` gives."""

__all__ = [
    'PATTERNS',
    'FourByOne',
    'NOfM',
    'Pattern',
    'channel',
    'grouped_weights',
    'inward',
    'kernel',
    'outward',
    'transposed_weights',
    'unstructured',
]
