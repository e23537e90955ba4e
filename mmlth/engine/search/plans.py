"""What a round trains, from where."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from mmengine.runner import Runner
from torch import Tensor

from mmlth.engine.checkpoints import REWIND_SCHEME, newest_checkpoint
from mmlth.engine.configs import reinitialised
from mmlth.engine.errors import LotteryError
from mmlth.engine.masking import compute_and_broadcast_mask
from mmlth.engine.search.paths import SearchPaths
from mmlth.engine.search.state import SearchState, sha256_of
from mmlth.engine.settings import Settings
from mmlth.engine.training import StateTransform, round_config, round_start, weights_start
from mmlth.messages import join_names
from mmlth.pruning import Mask, starved
from mmlth.ticket import load_rewind_weights, load_ticket


@dataclass(frozen=True)
class RoundPlan:
    """What a round trains, from where.

    Attributes:
        config: Of its training.
        last: The checkpoint that an interrupted round continues from.
        mask: What it trains under; None: the dense model.
        start: Turns the checkpoint that the config loads into what the round starts from.
        parent: The ticket that its mask comes from.
        told: What its record and its ticket tell beside what all rounds do.
    """

    config: Config
    last: Path | None
    mask: Mask | None = None
    start: StateTransform | None = None
    parent: Path | None = None
    told: dict[str, Any] = field(default_factory=dict)


Planner = Callable[[Runner, Settings, SearchPaths, SearchState, int], RoundPlan]
"""Plans a round by its index; may raise a LotteryError."""


def plan_round(
    runner: Runner, settings: Settings, paths: SearchPaths, state: SearchState, index: int
) -> RoundPlan:
    """A round of a search: pruned by what the round before ended with, and rewound.

    Raises:
        LotteryError: If the rewind file or the ticket before cannot be used.
    """
    folder = paths.round(index)
    last = newest_checkpoint(runner.cfg, folder, runner.logger)
    if index == 0:
        if last is None and is_main_process():
            paths.rewind.unlink(missing_ok=True)  # of an attempt that left no checkpoint
        barrier()
        return RoundPlan(round_config(runner.cfg, folder, state.seed, state.load_from, last), last)
    parent = paths.ticket(index - 1)
    ticket = load_ticket(parent)
    before = ticket.state_dict()
    keep = state.schedule[index]
    kept = paths.mask(index)
    mask = compute_and_broadcast_mask(
        runner, settings, paths.rewind, state.seed, before, ticket.mask, keep, kept
    )
    _warn_of_lost_layers(runner, ticket.mask, mask, index, settings.floor)
    if settings.rewind_what == 'reinit':
        config = round_config(runner.cfg, folder, state.seed, None, last)
        config = reinitialised(config, state.seed + index)
        return RoundPlan(config, last, mask, parent=parent)
    config, start = rewound(runner, settings, paths, state, index, last, before)
    return RoundPlan(config, last, mask, start, parent)


def rewound(
    runner: Runner,
    settings: Settings,
    paths: SearchPaths,
    state: SearchState,
    index: int,
    last: Path | None,
    trained: Mapping[str, Tensor],
) -> tuple[Config, StateTransform]:
    """The config of a round that starts from the rewind file, and how it starts from there.

    Args:
        runner: The user's Runner.
        settings: The ``lottery`` key.
        paths: The files of the search.
        state: The search so far.
        index: Which round.
        last: The checkpoint that the round continues from, if it was interrupted.
        trained: The weights that the round before ended with.

    Raises:
        LotteryError: If the rewind file is not the one that round 0 wrote.
    """
    if sha256_of(paths.rewind) != state.rewind['sha256']:
        raise LotteryError(f'{paths.rewind} is not the file that round 0 wrote; restore it')
    what, full = settings.rewind_what, settings.after_rewind == 'full'
    source = f'{REWIND_SCHEME}{paths.rewind}'
    config = round_config(runner.cfg, paths.round(index), state.seed, source, last, full)
    if what == 'nothing':
        config.param_scheduler = None
    if full:
        weights = load_rewind_weights(paths.rewind) if what == 'weights' else trained
        return config, weights_start(weights)
    given = {} if what == 'weights' else trained
    return config, round_start(what, given, state.rounds[0]['learning_rates'])


def _warn_of_lost_layers(
    runner: Runner, before: Mask, mask: Mask, index: int, floor: float
) -> None:
    lost = [name for name, kept in mask.items() if before[name].any() and not kept.any()]
    if lost:
        runner.logger.warning(
            f'round {index} prunes every weight of {join_names(lost)} ({_share(mask, lost):.1%} '
            'of the '
            'prunable weights): where no other path passes a layer, the model learns nothing from '
            'here on; lottery.floor keeps some of each layer'
        )
    known, poor = _starved(before, floor), _starved(mask, floor)
    if new := {name: density for name, density in poor.items() if name not in known}:
        share = _share(mask, new)
        runner.logger.warning(
            f'round {index} keeps {1 - mask.sparsity:.1%} of the prunable weights, but next to '
            f'nothing of {len(new)} layers, which are {share:.1%} of them: '
            f'{join_names(f"{name} ({density:.2%})" for name, density in new.items())}; a higher '
            'lottery.floor, another lottery.allocation or another lottery.score spares them'
        )


def _starved(mask: Mask, floor: float) -> dict[str, float]:
    counts = {name: (int(kept.count_nonzero()), kept.numel()) for name, kept in mask.items()}
    return starved(counts, floor)


def _share(mask: Mask, names: Iterable[str]) -> float:
    return sum(mask[name].numel() for name in names) / mask.total
