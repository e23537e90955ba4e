"""Prunes as ``lottery`` says."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.random_numbers import rng_state, set_rng_state
from mmlth.engine.settings import Settings, build_allocation, build_pattern, build_score
from mmlth.messages import reason
from mmlth.pruning import Mask, ScoreInputs, prune, transposed_weights


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
    except ValueError as error:
        raise LotteryError(f'cannot prune: {reason(error)}') from error


def ranks_by_weights_alone(settings: Settings, model: nn.Module, mask: Mask) -> bool:
    """Whether ``lottery.score`` needs neither the rewind step nor the network."""
    state = rng_state()
    try:
        weights = {name: model.get_parameter(name).detach().cpu() for name in mask}
        build_score(settings.score)(ScoreInputs(weights, mask))
    except Exception:  # whatever a score does that finds None where it looks for more
        return False
    finally:
        set_rng_state(state)
    return True


def prune_arguments(settings: Settings, model: nn.Module, names: list[str]) -> dict[str, Any]:
    """What `prune` is told of allocation, pattern and floor."""
    return {
        'allocation': build_allocation(settings.allocation),
        'pattern': build_pattern(settings.pattern),
        'floor': settings.floor,
        'transposed': transposed_weights(model, names),
    }
