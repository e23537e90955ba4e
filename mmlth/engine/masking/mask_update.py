"""Draws the mask of a round as ``lottery`` says."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.errors import LotteryError
from mmlth.engine.masking.pruner import prune_arguments
from mmlth.engine.models import ConfigNetwork, bare_model
from mmlth.engine.random_numbers import own_random_numbers
from mmlth.engine.settings import Settings, build_score
from mmlth.messages import join_names, reason
from mmlth.pruning import Mask, PruningError, Score, ScoreInputs, needs_of, prune
from mmlth.ticket import Ticket, load_rewind_weights, load_ticket, save_ticket


def compute_and_broadcast_mask(
    runner: Runner,
    settings: Settings,
    rewind: Path,
    seed: int,
    weights: Mapping[str, Tensor],
    mask: Mask,
    keep: int,
    path: Path,
) -> Mask:
    """The mask that the first process draws; so a score may draw random numbers, or be inexact.

    It is drawn once: what GPUs compute need not be the same when a round is resumed.

    Args:
        runner: The user's Runner; nothing about it changes.
        settings: The ``lottery`` key.
        rewind: The rewind file of the search.
        seed: Of the search.
        weights: What the round before ended with.
        mask: Of the round before.
        keep: How many weights to keep.
        path: Of the file that keeps it.

    Raises:
        LotteryError: If score, allocation or pattern cannot be used, or a weight is NaN.
    """
    drawn: list[Mask | None] = [None]
    if is_main_process() and path.exists():
        drawn = [load_ticket(path).mask]
    elif is_main_process():
        with own_random_numbers(seed):
            found = _compute_mask(runner, settings, rewind, seed, weights, mask, keep)
        save_ticket(Ticket(found, None), path)
        drawn = [found]
    broadcast_object_list(drawn)
    return cast(Mask, drawn[0])


def _compute_mask(
    runner: Runner,
    settings: Settings,
    rewind: Path,
    seed: int,
    weights: Mapping[str, Tensor],
    mask: Mask,
    keep: int,
) -> Mask:
    device = next(bare_model(runner).parameters()).device
    score = _Watched(build_score(settings.score))
    start = load_rewind_weights(rewind) if 'start' in score.needs else None
    with ConfigNetwork(runner.cfg, seed, device) as network:
        try:
            drawn = prune(
                weights,
                mask,
                keep=min(keep, mask.kept),  # a pattern of whole units may have left less
                score=score,
                start=start,
                network=network,
                seed=seed,
                **prune_arguments(settings, bare_model(runner), list(mask)),
            )
        except PruningError as error:
            raise LotteryError(f'cannot prune: {reason(error)}') from error
    if score.silent:
        runner.logger.warning(
            f'lottery.score={settings.score!r} is 0 for every weight of '
            f'{join_names(score.silent)}, so '
            'that position decides there; a later lottery.rewind or another score may tell more'
        )
    return drawn


class _Watched:
    """A score that takes down which layers it says nothing of."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self.iterations = getattr(score, 'iterations', 1)
        self.needs = needs_of(score)
        self.silent: list[str] | None = None

    def __call__(self, inputs: ScoreInputs) -> Mapping[str, Tensor]:
        scores = self._score(inputs)
        if self.silent is None:
            alive = [name for name, kept in inputs.mask.items() if kept.any()]
            self.silent = [name for name in alive if name in scores and not scores[name].any()]
        return scores
