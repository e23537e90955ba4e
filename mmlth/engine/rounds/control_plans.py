"""One round of a control: a ticket of the parent search, trained as it was but for one thing."""

from typing import Any

import torch
from torch import Tensor

from mmlth.engine.checkpoints import RESUME_KEY, newest_checkpoint
from mmlth.engine.configs import reinitialised
from mmlth.engine.errors import LotteryError
from mmlth.engine.rounds.plans import RoundPlan, rewound
from mmlth.engine.settings import build_control
from mmlth.engine.state import Search, SearchPaths
from mmlth.engine.training import Origin, StateTransform, round_config, scale_schedule
from mmlth.messages import reason
from mmlth.pruning import LOG_DEVIATION, Control, Mask, PruningError
from mmlth.ticket import load_ticket


def plan_control(search: Search, index: int) -> RoundPlan:
    """A round of a branch whose control changes one thing about a ticket of the parent search.

    Args:
        search: The branch.
        index: The index of its round, from 1.

    Raises:
        LotteryError: If the search's rewind file or ticket cannot be used.
    """
    paths, state, config = search.paths, search.state, search.runner.cfg
    branch = state.branch or {}
    control = build_control(branch['control'])
    seed = state.seed + 1 + branch['seed']
    folder = paths.round(index)
    last = newest_checkpoint(config, folder, search.runner.logger)
    if control.long_dense:
        longer = scale_schedule(config, branch['length'])
        return RoundPlan(
            round_config(longer, folder, state.seed, Origin(state.load_from, last)), last
        )
    of_round = branch['tickets'][index - 1]
    parent = paths.parent_ticket(of_round)
    mask = load_ticket(parent).mask
    mask = _changed_mask(control.mask, mask, seed)
    metadata = {'of_round': of_round}
    if control.new_weights or state.rewind_what == 'reinit':
        if control.new_order:
            raise LotteryError(
                "the control 'data_order' starts from the weights of the ticket, but each round of "
                "this search has new ones (rewind_what='reinit'); compare it with 'reinit'"
            )
        config = round_config(config, folder, state.seed, Origin(last=last))
        config = reinitialised(config, seed if control.new_weights else state.seed + of_round)
        return RoundPlan(config, last, mask, parent=parent, metadata=metadata)
    config, start = rewound(search, config, index, last, _trained(paths, of_round))
    if control.new_order:
        config.randomness = {**config.randomness, 'seed': seed}
        start = _with_new_order(start)
    return RoundPlan(config, last, mask, start, parent, metadata=metadata)


def _trained(paths: SearchPaths, of_round: int) -> dict[str, Tensor]:
    """The weights that a round began with where rounds keep trained ones.

    Of those that its mask lacks, which a control may keep, the values are the dense model's: the
    round before had set them to zero.
    """
    dense = load_ticket(paths.parent_ticket(0)).state_dict(log_deviations=True)
    before = load_ticket(paths.parent_ticket(of_round - 1))
    weights = before.state_dict(log_deviations=True)
    kept = {name: mask for name, mask in before.mask.items() if name in weights}
    kept |= {
        beside: mask
        for name, mask in before.mask.items()
        if (beside := f'{name}{LOG_DEVIATION}') in weights
    }
    return weights | {
        name: torch.where(mask, weights[name], dense[name]) for name, mask in kept.items()
    }


def _changed_mask(change: Control, mask: Mask, seed: int) -> Mask:
    try:
        return change(mask, torch.Generator().manual_seed(seed))
    except PruningError as error:
        raise LotteryError(f'lottery.branch.control: {reason(error)}') from error


def _with_new_order(start: StateTransform) -> StateTransform:
    """The same start, but with the generators that the new seed gives."""

    def changed(checkpoint: dict[str, Any]) -> None:
        start(checkpoint)
        if RESUME_KEY in checkpoint:
            checkpoint[RESUME_KEY]['processes'] = []

    return changed
