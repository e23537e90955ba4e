"""What a round trains, from where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from torch import Tensor

from mmlth.engine.checkpoints import REWIND_SCHEME, newest_checkpoint
from mmlth.engine.configs import reinitialised, sha256_of
from mmlth.engine.errors import LotteryError
from mmlth.engine.masking import compute_and_broadcast_mask, next_mask
from mmlth.engine.rounds.lost_layers import warn_of_lost_layers
from mmlth.engine.rounds.round_length import round_pace, round_training
from mmlth.engine.state import Search
from mmlth.engine.training import (
    Origin,
    Pace,
    StateTransform,
    round_config,
    round_start,
    weights_start,
)
from mmlth.pruning import Mask
from mmlth.ticket import load_rewind_weights, load_ticket


@dataclass(frozen=True)
class RoundPlan:
    """What a round trains, from where.

    Attributes:
        config: The config of its training.
        last: The checkpoint that an interrupted round continues from.
        mask: What it trains under; None: the dense model.
        start: Turns the checkpoint that the config loads into what the round starts from.
        parent: The ticket that its mask comes from.
        pace: How it runs through the schedule; None: it trains in full.
        metadata: What its record and its tickets hold beside what those of all rounds do.
    """

    config: Config
    last: Path | None
    mask: Mask | None = None
    start: StateTransform | None = None
    parent: Path | None = None
    pace: Pace | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def plan_round(search: Search, index: int) -> RoundPlan:
    """A round of a search: pruned by what the round before ended with, and rewound.

    Args:
        search: The search, whose rounds before are done.
        index: The index of the round; 0 is the dense one.

    Raises:
        LotteryError: If the rewind file or the ticket before cannot be used.
    """
    paths, state = search.paths, search.state
    last = newest_checkpoint(search.runner.cfg, paths.round(index), search.runner.logger)
    if index == 0:
        return _plan_dense_round(search, last)
    pace = round_pace(search, index)
    if search.settings.method is not None:  # each from the same start, for another sparsity
        trained = load_ticket(paths.ticket(0)).state_dict(log_deviations=True)
        config, start = rewound(search, round_training(search, pace), index, last, trained)
        return RoundPlan(config, last, start=start, pace=pace)
    parent = paths.ticket(index - 1)
    before = load_ticket(parent)

    def compute() -> Mask:
        keep = state.schedule[index]
        return next_mask(search.pruner, search.runner, paths.rewind, before, keep)

    mask = compute_and_broadcast_mask(paths.mask(index), state.seed, compute)
    warn_of_lost_layers(search, index, before.mask, mask)
    config = round_training(search, pace)
    if state.rewind_what == 'reinit':
        config = round_config(config, paths.round(index), state.seed, Origin(last=last))
        config = reinitialised(config, state.seed + index)
        return RoundPlan(config, last, mask, parent=parent, pace=pace)
    trained = before.state_dict(log_deviations=True)
    config, start = rewound(search, config, index, last, trained)
    return RoundPlan(config, last, mask, start, parent, pace)


def _plan_dense_round(search: Search, last: Path | None) -> RoundPlan:
    paths, state = search.paths, search.state
    if last is None and is_main_process():
        paths.rewind.unlink(missing_ok=True)  # of an attempt that left no checkpoint
    barrier()
    pace = round_pace(search, 0)
    config, origin = round_training(search, pace), Origin(state.load_from, last)
    return RoundPlan(round_config(config, paths.round(0), state.seed, origin), last, pace=pace)


def rewound(
    search: Search,
    config: Config,
    index: int,
    last: Path | None,
    trained: Mapping[str, Tensor],
) -> tuple[Config, StateTransform]:
    """The config of a round that starts from the rewind file, and how it starts from there.

    Args:
        search: The search, whose dense round is done.
        config: The config of a training of its length.
        index: The index of the round.
        last: The checkpoint that the round continues from, if it was interrupted.
        trained: The weights that the round before ended with.

    Raises:
        LotteryError: If the rewind file is not the one that round 0 wrote.
    """
    rewind, state = search.paths.rewind, search.state
    if sha256_of(rewind) != state.rewind['sha256']:
        raise LotteryError(f'{rewind} is not the file that round 0 wrote; restore it')
    what, full = state.rewind_what, state.after_rewind == 'full'
    origin = Origin(f'{REWIND_SCHEME}{rewind}', last, full)
    config = round_config(config, search.paths.round(index), state.seed, origin)
    if what == 'nothing':
        config.param_scheduler = None
    if full:
        return config, weights_start(load_rewind_weights(rewind) if what == 'weights' else trained)
    given = {} if what == 'weights' else trained
    return config, round_start(what, given, state.rounds[0]['learning_rates'])
