"""What a pattern is."""

from collections.abc import Callable, Mapping

from torch import Tensor

from mmlth.pruning.allocation import Allocation
from mmlth.pruning.mask import Mask

Pattern = Callable[[Mask, Mapping[str, Tensor], int, Allocation, float], Mask]
"""Draws a mask of some shape: from the current mask, scores, the number of weights to keep, an
allocation and the floor (see `least_kept`). The new mask is a subset of the current one and keeps
no more than that number.

Tensors have their output channels in dimension 0 and their input channels in dimension 1; those of
transposed convolutions are turned round before (see `outward`).

A pattern that some weights cannot follow has a method ``fits(shape)``; one that cannot be met at a
low sparsity has an attribute ``least_sparsity``.
"""
