"""Rounds of another length than their schedule: `round_length` and `branch.length`."""

from mmengine.config import Config
from mmengine.runner import Runner

from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks import check_schedule_hook
from mmlth.engine.settings import RoundLength
from mmlth.engine.state import Search
from mmlth.engine.training import Pace, at_pace, find_pace, training_iterations


def round_pace(search: Search, index: int) -> Pace | None:
    """How a round runs through the schedule; None where it trains in full.

    By ``lottery.round_length`` rounds between the dense and the last one are short. The dense one
    is what others are compared with, the last one is the result. (Rounds of controls are results,
    too, and planned elsewhere.) By ``lottery.branch.length`` all rounds of a branch are longer.
    By ``lottery.method`` there is one round, whose length ``lottery.round_length`` is.

    Args:
        search: The search, whose dense round is done.
        index: The index of the round.

    Raises:
        LotteryError: If the length does not go with the training.
    """
    if index == 0:
        return _pace_of_a_method(search)
    if search.is_control:
        return None
    if (longer := _longer(search)) is not None:
        return _pace(search, longer, _epoch(search))
    shorter = search.settings.shorter_rounds
    if shorter is None or index == search.state.last_round:
        return None
    return _pace(search, shorter, _epoch(search))


def round_training(search: Search, pace: Pace | None) -> Config:
    """The config of a round's training, before anything else is changed in it."""
    config: Config = search.runner.cfg
    return config if pace is None else at_pace(config, pace)


def check_short_rounds(search: Search, trainer: Runner) -> None:
    """Checks that later rounds can be short.

    Args:
        search: The search.
        trainer: The Runner of the dense round, before it trains.

    Raises:
        LotteryError: If the length does not go with the training.
    """
    if (length := search.settings.shorter_rounds) is not None:
        check_schedule_hook(trainer)
        if search.settings.method is not None:
            return  # it is the dense round itself
        _pace(search, length, trainer.max_iters // trainer.max_epochs)


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
    shorter = search.settings.shorter_rounds
    if pace is None and shorter is not None and rounds > 1 and not search.is_control:
        pace = _pace(search, shorter, trainer.max_iters // trainer.max_epochs)
    own = full if pace is None else pace.end - pace.first
    if shorter is None:
        return rounds * own
    return (rounds - 1) * own + full if rounds else 0


def _longer(search: Search) -> RoundLength | None:
    """How long the rounds of a branch are that is to train longer than its parent search."""
    stretch = (search.state.branch or {}).get('length')
    return None if stretch is None else RoundLength(stretch, 'share', linear=False)


def _pace_of_a_method(search: Search) -> Pace | None:
    """How the one training of a method runs through the schedule."""
    settings, runner = search.settings, search.runner
    if settings.method is None or settings.branch is not None or settings.shorter_rounds is None:
        return None
    epoch = training_iterations(runner) // runner.max_epochs
    return find_pace(runner.cfg, settings.shorter_rounds, 0, epoch)


def _pace(search: Search, length: RoundLength, epoch: int) -> Pace | None:
    return find_pace(search.runner.cfg, length, search.state.first_iteration, epoch)


def _epoch(search: Search) -> int:
    """The iterations of an epoch of the dense round; all, where its loop has no epochs."""
    dense = search.state.rounds[0]
    if 'iter' not in dense:
        raise LotteryError(
            'rounds of another length need that of the dense round, which the mmlth that '
            'trained it did not record; run a search of its own'
        )
    return round(dense['iter'] / max(1, dense['epoch']))
