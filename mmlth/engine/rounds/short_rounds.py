"""Rounds that are shorter than their schedule: ``lottery.round_length``."""

from mmengine.config import Config
from mmengine.runner import Runner

from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks import check_schedule_hook
from mmlth.engine.state import Search
from mmlth.engine.training import Pace, find_pace, shortened


def round_pace(search: Search, index: int) -> Pace | None:
    """How a round runs through the schedule; None where it trains in full.

    Rounds between the dense and the last one are short. The dense one is what others are compared
    with, the last one is the result. (Rounds of controls are results, too, and planned elsewhere.)

    Args:
        search: The search, whose dense round is done.
        index: The index of the round.

    Raises:
        LotteryError: If the length does not go with the training.
    """
    if not 0 < index < search.state.last_round:
        return None
    return None if search.settings.shorter_rounds is None else _pace(search, _epoch(search))


def round_training(search: Search, pace: Pace | None) -> Config:
    """The config of a round's training, before anything else is changed in it."""
    config: Config = search.runner.cfg
    return config if pace is None else shortened(config, pace)


def check_short_rounds(search: Search, trainer: Runner) -> None:
    """Checks that later rounds can be short.

    Args:
        search: The search.
        trainer: The Runner of the dense round, before it trains.

    Raises:
        LotteryError: If the length does not go with the training.
    """
    if search.settings.shorter_rounds is not None:
        check_schedule_hook(trainer)
        _pace(search, trainer.max_iters // trainer.max_epochs)


def iterations_to_come(search: Search, index: int, pace: Pace | None, trainer: Runner) -> int:
    """How many iterations the rounds after one will train, as far as that is settled before.

    Args:
        search: The search.
        index: The index of the round.
        pace: How it runs through the schedule.
        trainer: Its Runner.
    """
    rounds = search.state.last_round - index
    full = (trainer.max_iters if pace is None else pace.full) - search.state.first_iteration
    if rounds < 2 or search.is_control or search.settings.shorter_rounds is None:
        return rounds * full
    pace = pace or _pace(search, trainer.max_iters // trainer.max_epochs)
    short = full if pace is None else pace.end - pace.first
    return (rounds - 1) * short + full


def _pace(search: Search, epoch: int) -> Pace | None:
    length = search.settings.shorter_rounds
    if length is None:
        return None
    return find_pace(search.runner.cfg, length, search.state.first_iteration, epoch)


def _epoch(search: Search) -> int:
    """The iterations of an epoch of the dense round; all, where its loop has no epochs."""
    dense = search.state.rounds[0]
    if 'iter' not in dense:
        raise LotteryError(
            'lottery.round_length needs the length of the dense round, which the mmlth that '
            'trained it did not record; run a search of its own'
        )
    return round(dense['iter'] / max(1, dense['epoch']))
