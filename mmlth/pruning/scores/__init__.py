"""What ranks the weights: the higher the score, the longer a weight is kept."""

from mmlth.pruning.scores.grasp import DIFFERENCE, Grasp
from mmlth.pruning.scores.magnitude import magnitude
from mmlth.pruning.scores.movement import magnitude_increase, movement, movement_from_zero
from mmlth.pruning.scores.random import random
from mmlth.pruning.scores.score import Score, needing, needs_of
from mmlth.pruning.scores.signal_to_noise import signal_to_noise
from mmlth.pruning.scores.snip import Snip
from mmlth.pruning.scores.synflow import Synflow
from mmlth.pruning.scores.taylor import Taylor
from mmlth.pruning.scores.temporary_weights import NotFiniteError

SCORES = {
    'magnitude': magnitude,
    'magnitude_increase': magnitude_increase,
    'movement': movement,
    'movement_from_zero': movement_from_zero,
    'random': random,
    'signal_to_noise': signal_to_noise,
    'snip': Snip,
    'grasp': Grasp,
    'synflow': Synflow,
    'taylor': Taylor,
}
"""Functions, or classes whose instances are scores, by the name that ``lottery.score`` gives."""

__all__ = [
    'DIFFERENCE',
    'SCORES',
    'Grasp',
    'NotFiniteError',
    'Score',
    'Snip',
    'Synflow',
    'Taylor',
    'magnitude',
    'magnitude_increase',
    'movement',
    'movement_from_zero',
    'needing',
    'needs_of',
    'random',
    'signal_to_noise',
]
