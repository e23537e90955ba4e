"""The mask of the next round, computed once as ``lottery`` says."""

from collections.abc import Callable, Mapping
from pathlib import Path

from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.first_process import from_first_process
from mmlth.engine.masking.pruner import Pruner, refused_as
from mmlth.engine.models import ConfigNetwork, bare_model
from mmlth.engine.random_numbers import own_random_numbers
from mmlth.engine.settings import build_score
from mmlth.messages import join_names
from mmlth.pruning import Mask, Score, ScoreInputs, needs_of
from mmlth.ticket import Ticket, load_rewind_weights, load_ticket, save_ticket


def compute_and_broadcast_mask(path: Path, seed: int, compute: Callable[[], Mask]) -> Mask:
    """The mask that the first process computes; so a score may draw random numbers, or be inexact.

    It is computed once: what GPUs compute need not be the same when a round is resumed.

    Args:
        path: The file that keeps the mask; where it is there already, it is read.
        seed: Seeds all random numbers while the mask is computed.
        compute: Computes the mask.
    """

    def read_or_computed() -> Mask:
        if path.exists():
            return load_ticket(path).mask
        with own_random_numbers(seed):
            mask = compute()
        save_ticket(Ticket(mask, None), path)
        return mask

    return from_first_process(read_or_computed)


def next_mask(pruner: Pruner, runner: Runner, rewind: Path, before: Ticket, keep: int) -> Mask:
    """The mask of the round after one that ended with a ticket.

    Args:
        pruner: Prunes as ``lottery`` says.
        runner: The user's Runner; nothing about it changes.
        rewind: The rewind file of the search.
        before: What the round before ended with.
        keep: How many weights, or multiply-adds, to keep.

    Raises:
        LotteryError: If score, allocation or pattern cannot be used, or a weight is NaN.
    """
    device = next(bare_model(runner).parameters()).device
    score = _Watched(build_score(pruner.settings.score))
    start = load_rewind_weights(rewind) if 'start' in score.needs else None
    with ConfigNetwork(runner.cfg, pruner.seed, device) as network, refused_as('cannot prune'):
        trained = before.state_dict(log_deviations=True)
        mask = pruner.prune(trained, before.mask, keep, score, start=start, network=network)
    if score.silent:
        runner.logger.warning(
            f'lottery.score={pruner.settings.score!r} is 0 for every weight of '
            f'{join_names(score.silent)}, so that position decides there; a later lottery.rewind '
            'or another score may tell more'
        )
    return mask


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
