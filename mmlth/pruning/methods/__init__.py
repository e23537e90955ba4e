"""Ways to prune while one training runs: how a mask changes from iteration to iteration."""

from mmlth.pruning.methods.ac_dc import ACDC
from mmlth.pruning.methods.gradual import Gradual
from mmlth.pruning.methods.method import Method, Moment
from mmlth.pruning.methods.regrowth import SET, RigL
from mmlth.pruning.methods.timing import Length, Step

METHODS = {'gradual': Gradual, 'rigl': RigL, 'set': SET, 'ac_dc': ACDC}
"""Classes by the name that configs give."""

__all__ = ['ACDC', 'METHODS', 'SET', 'Gradual', 'Length', 'Method', 'Moment', 'RigL', 'Step']
