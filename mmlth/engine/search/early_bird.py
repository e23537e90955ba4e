"""Early-bird: rounds that end when the mask that they lead to has converged."""

from typing import Any

from mmengine.runner import EpochBasedTrainLoop, Runner

from mmlth.engine.hooks import Draw, MaskDistanceHook
from mmlth.engine.search.state import SearchState
from mmlth.engine.settings import EarlyBirdSettings
from mmlth.pruning import Mask, chance_hamming


def mask_distance_hook(
    runner: Runner,
    early_bird: EarlyBirdSettings | None,
    state: SearchState,
    index: int,
    mask: Mask,
    draw: Draw,
) -> MaskDistanceHook:
    """The hook that watches the next round's mask, and ends the round where that is wanted.

    Args:
        runner: Told of rounds that are not stopped though they might be.
        early_bird: When to stop; None: never.
        state: The search.
        index: The round, which is not the last one: that trains in full.
        mask: Its mask.
        draw: Draws the next round's.
    """
    if early_bird is None:
        return MaskDistanceHook(draw, mask)
    kept = state.schedule[index + 1] / max(state.schedule[index], 1)
    chance = chance_hamming(kept, kept)
    stop_at = None if early_bird.full_dense and index == 0 else early_bird.distance
    if stop_at is not None and chance <= stop_at:
        runner.logger.warning(
            f'early-bird: round {index} trains in full: its next mask keeps {kept:.1%} of the '
            f'weights, and two such masks differ in {chance:.1%} of them by chance alone; only a '
            f'lottery.early_bird.distance below that tells anything, got {early_bird.distance:.4g}'
        )
        stop_at = None
    # Round 0 has to get beyond the rewind step.
    first = state.rewind['iteration'] if index == 0 else 0
    window, interval = early_bird.window, early_bird.interval
    return MaskDistanceHook(draw, mask, window, interval, stop_at, first)


def trained(runner: Runner, first: int) -> dict[str, Any]:
    """How long a round trained, and what stopping it saved; epochs of loops that have them.

    Args:
        runner: Its Runner, at the end.
        first: The iteration that it started from.
    """
    loop, done = runner.train_loop, runner.iter
    told: dict[str, Any] = {'iterations': done - first, 'saved_iterations': loop.max_iters - done}
    if isinstance(loop, EpochBasedTrainLoop):
        length = len(loop.dataloader)
        told['epochs'] = round((done - first) / length, 2)
        told['saved_epochs'] = round((loop.max_iters - done) / length, 2)
    return told
