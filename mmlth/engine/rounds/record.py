"""What stays of a round: its ticket, and its record in search.json."""

from typing import Any

from mmengine.dist import barrier, is_main_process

from mmlth.engine.configs import sha256_of
from mmlth.engine.rounds.dense_round import settle_rewind_file, settle_rewind_hash, unmoved_weights
from mmlth.engine.rounds.early_bird import trained_length
from mmlth.engine.rounds.lost_layers import warn_of_lost_layers
from mmlth.engine.rounds.round import Round
from mmlth.engine.state import MACS_KEYS, Search, delete_interrupted
from mmlth.engine.tickets import counts, loading_info, provenance
from mmlth.pruning import Mask, kept_amount, masked
from mmlth.ticket import Ticket, save_ticket


def record_round(search: Search, round_: Round) -> None:
    """Adds a round that is trained to the state of the search, and writes its ticket.

    Args:
        search: The search.
        round_: The round, with its result.

    Raises:
        LotteryError: If the dense round ended before the rewind step.
    """
    paths, state = search.paths, search.state
    if round_.index == 0:
        settle_rewind_file(search, round_.trainer)
    if search.settings.method is not None:
        warn_of_lost_layers(search, round_.index, Mask.dense(round_.mask), round_.mask)
    record = _record(search, round_)
    state.rounds.append(record)
    if is_main_process():
        ended = {key: record[key] for key in ('metrics', 'learning_rates')}
        info = {**ticket_metadata(search, round_), **ended, **loading_info(round_.trainer)}
        weights = masked(round_.result.weights, round_.mask)
        save_ticket(Ticket(round_.mask, weights, info), paths.ticket(round_.index))
        state.save(paths)
        delete_interrupted(paths, round_.index)
    barrier()


def ticket_metadata(search: Search, round_: Round) -> dict[str, Any]:
    """What the tickets of a round hold of where they come from.

    Args:
        search: The search.
        round_: The round, which may be in training.
    """
    state, plan = search.state, round_.plan
    settle_rewind_hash(search)
    return {
        'round': round_.index,
        **provenance(round_.mask, state.parameters, state.seed, state.config),
        # Not the file's hash: the file tells the time that each iteration took.
        'rewind': {key: value for key, value in state.rewind.items() if key != 'sha256'},
        'parent_sha256': sha256_of(plan.parent) if plan.parent else None,
        **plan.metadata,
    }


def _record(search: Search, round_: Round) -> dict[str, Any]:
    """What search.json holds of a round."""
    state, result, trainer = search.state, round_.result, round_.trainer
    record = {
        'round': round_.index,
        **counts(round_.mask, state.parameters),
        'metrics': result.metrics,
        'seconds': round(result.seconds, 1),
        'iter': result.iter,
        'epoch': result.epoch,
        'learning_rates': result.learning_rates,
        'ticket': f'tickets/{search.paths.ticket(round_.index).name}',
        **round_.plan.metadata,
    }
    if state.costs is not None:
        counted = sum(state.amounts.values()), kept_amount(round_.mask, state.costs)
        record |= dict(zip(MACS_KEYS, counted))
    if round_.index == 0 and trainer.iter > 1 and (names := unmoved_weights(search, trainer)):
        record['unmoved'] = names
    early = search.settings.early_bird is not None
    of_own_length = search.settings.shorter_rounds is not None or round_.plan.pace is not None
    if (early or of_own_length) and not search.is_control:
        first = state.first_iteration if round_.index else 0
        record |= trained_length(trainer, first, early)
    return record
