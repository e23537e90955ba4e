"""Prunes as ``lottery`` says."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings import Settings, build_allocation, build_pattern, build_score
from mmlth.messages import reason
from mmlth.pruning import Mask, PruningError, needs_of, prune, transposed_weights


def mask_by_weights(
    settings: Settings,
    model: nn.Module,
    seed: int,
    mask: Mask,
    keep: int,
    weights: Mapping[str, Tensor],
) -> Mask:
    """The mask that a round would draw from these weights; only where `ranks_by_weights_alone`.

    Args:
        settings: The ``lottery`` key.
        model: The model.
        seed: Of the search.
        mask: Of the round before.
        keep: How many weights to keep.
        weights: What that round ends with.

    Raises:
        LotteryError: If score, allocation or pattern cannot be used, or a weight is NaN.
    """
    try:
        return prune(
            weights,
            mask,
            keep=min(keep, mask.kept),
            score=build_score(settings.score),
            seed=seed,
            **prune_arguments(settings, model, list(mask)),
        )
    except PruningError as error:
        raise LotteryError(f'cannot prune: {reason(error)}') from error


def ranks_by_weights_alone(settings: Settings) -> bool:
    """Whether ``lottery.score`` declares that it needs neither the rewind step nor the network."""
    return not needs_of(build_score(settings.score))


def prune_arguments(settings: Settings, model: nn.Module, names: list[str]) -> dict[str, Any]:
    """What `prune` is told of allocation, pattern and floor."""
    return {
        'allocation': build_allocation(settings.allocation),
        'pattern': build_pattern(settings.pattern),
        'floor': settings.floor,
        'transposed': transposed_weights(model, names),
    }
