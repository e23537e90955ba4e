"""What a score is."""

from collections.abc import Callable, Mapping

from torch import Tensor

from mmlth.pruning.score_inputs import ScoreInputs

Score = Callable[[ScoreInputs], Mapping[str, Tensor]]
"""Ranks the weights: a tensor of each weight's shape by name; what is higher is kept longer.

A score may have an attribute ``iterations``: in so many steps, over which the density falls
geometrically, a mask is drawn by it, the score being taken anew under the mask of each step.
"""
