"""Prunes as ``lottery`` says."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings import Settings, build_allocation, build_pattern, build_score
from mmlth.messages import reason
from mmlth.pruning import (
    Costs,
    Mask,
    PruningError,
    Score,
    grouped_weights,
    kept_amount,
    needs_of,
    prune,
    transposed_weights,
)


@dataclass(frozen=True)
class Pruner:
    """Prunes weights of one model as ``lottery`` says.

    Attributes:
        settings: The ``lottery`` key.
        model: The model; only its layers matter, not the values of its weights.
        seed: The seed of the search, for scores that draw random numbers.
        costs: The multiply-adds that a weight takes, as `weight_costs` gives them; None: weights
            are counted.
    """

    settings: Settings
    model: nn.Module
    seed: int
    costs: Costs | None = None

    def prune(
        self,
        weights: Mapping[str, Tensor],
        mask: Mask,
        keep: int,
        score: Score | None = None,
        **inputs: Any,
    ) -> Mask:
        """The mask that keeps so much of the weights.

        Args:
            weights: What a round ended with, by name, on the CPU.
            mask: The mask of that round, whose weights compete.
            keep: How many weights, or multiply-adds, to keep; all that the mask keeps, where those
                are fewer, as a pattern of whole units may have left them.
            score: Ranks the weights; by default ``lottery.score``.
            **inputs: What scores may look at beside the weights: ``start`` and ``network``.

        Raises:
            PruningError: If score, allocation or pattern cannot be used, or a weight is NaN.
        """
        return prune(
            weights,
            mask,
            keep=min(keep, kept_amount(mask, self.costs)),
            score=score or build_score(self.settings.score),
            seed=self.seed,
            allocation=build_allocation(self.settings.allocation),
            pattern=build_pattern(self.settings.pattern),
            floor=self.settings.floor,
            transposed=transposed_weights(self.model, mask),
            groups=grouped_weights(self.model, mask),
            costs=self.costs,
            cost_power=self.settings.cost_power,
            **inputs,
        )

    def prune_by_weights(self, weights: Mapping[str, Tensor], mask: Mask, keep: int) -> Mask:
        """The mask that a round would get from these weights, where `ranks_by_weights_alone`.

        Args:
            weights: The trained weights, as for `prune`.
            mask: The mask of the round.
            keep: How many weights, or multiply-adds, to keep.

        Raises:
            LotteryError: If score, allocation or pattern cannot be used, or a weight is NaN.
        """
        with refused_as('cannot prune'):
            return self.prune(weights, mask, keep)

    @property
    def ranks_by_weights_alone(self) -> bool:
        """Whether ``lottery.score`` needs nothing but the weights that the mask is about."""
        return not needs_of(build_score(self.settings.score))


@contextlib.contextmanager
def refused_as(problem: str) -> Iterator[None]:
    """Turns an error of pruning into one line for the user, which begins with the problem.

    Raises:
        LotteryError: Instead of a PruningError; other errors pass.
    """
    try:
        yield
    except PruningError as error:
        raise LotteryError(f'{problem}: {reason(error)}') from error
