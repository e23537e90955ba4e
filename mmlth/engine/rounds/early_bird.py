"""Early-bird: rounds that end when the mask that they lead to has converged."""

from collections.abc import Mapping
from typing import Any

from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor

from mmlth.engine.hooks import MaskDistanceHook, StopRule
from mmlth.engine.masking import Pruner
from mmlth.engine.models import bare_model
from mmlth.engine.rounds.round import Round
from mmlth.engine.state import Search
from mmlth.pruning import Mask, chance_hamming


def mask_distance_hook(search: Search, round_: Round) -> MaskDistanceHook | None:
    """The hook that watches the next round's mask, and ends the round where that is wanted.

    Args:
        search: The search.
        round_: The round, before it is trained.

    Returns:
        The hook; None where no round of this search follows, or the weights alone do not decide
        its mask.
    """
    if search.is_control or search.settings.method is not None:
        return None
    if round_.index == search.state.last_round:
        return None
    state = search.state
    pruner = Pruner(search.settings, bare_model(round_.trainer), state.seed, state.costs)
    if not pruner.ranks_by_weights_alone:
        return None
    keep = state.schedule[round_.index + 1]

    def draw(weights: Mapping[str, Tensor]) -> Mask:
        return pruner.prune_by_weights(weights, round_.mask, keep)

    return MaskDistanceHook(draw, round_.mask, _stop_rule(search, round_))


def _stop_rule(search: Search, round_: Round) -> StopRule:
    """When the round ends before its schedule does; warns where it cannot though it might."""
    early_bird, index, schedule = search.settings.early_bird, round_.index, search.state.schedule
    if early_bird is None:
        return StopRule()
    kept = schedule[index + 1] / max(schedule[index], 1)
    chance = chance_hamming(kept, kept)
    stop_at = None if early_bird.full_dense and index == 0 else early_bird.distance
    if stop_at is not None and chance <= stop_at:
        round_.trainer.logger.warning(
            f'early-bird: round {index} trains in full: its next mask keeps {kept:.1%} of the '
            f'weights, and two such masks differ in {chance:.1%} of them by chance alone; only a '
            f'lottery.early_bird.distance below that tells anything, got {early_bird.distance:.4g}'
        )
        stop_at = None
    # Round 0 has to get beyond the rewind step.
    stop_after = search.state.rewind['iteration'] if index == 0 else 0
    return StopRule(early_bird.window, early_bird.interval, stop_at, stop_after)


def trained_length(trainer: Runner, first: int, early: bool) -> dict[str, Any]:
    """How long a round trained, and what stopping it saved; in epochs as well, where it has them.

    Args:
        trainer: The Runner of the round, at its end.
        first: The iteration that the round started from.
        early: Whether it may have been stopped.
    """
    loop, done = trainer.train_loop, trainer.iter
    length: dict[str, Any] = {'iterations': done - first}
    if early:
        length['saved_iterations'] = loop.max_iters - done
    if isinstance(loop, EpochBasedTrainLoop):
        epoch = len(loop.dataloader)
        length['epochs'] = round((done - first) / epoch, 2)
        if early:
            length['saved_epochs'] = round((loop.max_iters - done) / epoch, 2)
    return length
