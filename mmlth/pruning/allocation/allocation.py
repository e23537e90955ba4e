"""What an allocation is."""

from collections.abc import Callable, Mapping

from torch import Tensor

from mmlth.pruning.mask import Mask

Allocation = Callable[[Mask, Mapping[str, Tensor], int], Mask]
"""Spreads a number of weights to keep over the layers: from a mask, scores and the number, the
mask that keeps exactly so many of those that the given one keeps.

An allocation that says by itself how many weights are left in the end has a method
``kept(sizes)``, of each layer's number of weights by name. One that divides the number among parts
of the network, by another allocation within each, has a method ``with_inner(change)``, which gives
the same allocation with a changed inner one.
"""
