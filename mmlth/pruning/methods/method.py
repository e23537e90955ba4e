"""What a method of pruning while training is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from mmlth.pruning.mask import Mask
from mmlth.pruning.methods.timing import Length


@dataclass(frozen=True)
class Moment:
    """A moment of a training, as a method sees it.

    Attributes:
        done: Iterations that are done.
        length: Of the training.
        weights: The prunable weights by name, on the CPU.
        mask: The current mask; before the first iteration one that keeps all.
        keep: How many weights, or multiply-adds, are kept in the end.
        total: How many there are.
        prune: Draws a subset of a mask that keeps so many of them, as the config says: by score,
            allocation and pattern.
        seed: Of the training; with ``done`` it seeds whatever a method draws.
        gradients: Of the loss by each prunable weight, pruned ones included, on the CPU, as the
            iteration just done computed them; None where the method does not ask for them.
    """

    done: int
    length: Length
    weights: Mapping[str, Tensor]
    mask: Mask
    keep: int
    total: int
    prune: Callable[[Mapping[str, Tensor], Mask, int], Mask]
    seed: int = 0
    gradients: Mapping[str, Tensor] | None = None


class Method(Protocol):
    """Says how a mask changes while a training runs.

    All follows from the number of iterations, the weights, the mask before and the seed, so that a
    resumed training goes on as if nothing had happened.

    Attributes:
        nested: Whether each mask is a subset of the one before.
        prunes: Whether it uses `Moment.prune`, so that score, allocation, pattern and budget count.
        gradients: Whether `update` looks at gradients, but for the first mask.
    """

    nested: bool
    prunes: bool
    gradients: bool

    def updates(self, length: Length) -> frozenset[int]:
        """After how many iterations the mask changes; 0 is among them: the first mask.

        Args:
            length: Of the training.

        Raises:
            PruningError: If the options do not fit this length.
        """

    def update(self, moment: Moment) -> Mask:
        """The mask from now on.

        Args:
            moment: One of the `updates`.

        Raises:
            PruningError: If there is none, as where training has diverged.
        """
