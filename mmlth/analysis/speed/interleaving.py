"""Measuring contenders side by side, so that a busy machine is unfair to none of them."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mmlth.errors import LotteryError
from mmlth.messages import reason


@dataclass(frozen=True)
class Samples:
    """What was measured of contenders.

    Attributes:
        seconds: The seconds of each turn, by contender; of those that failed, none.
        failures: Why a contender failed in the midst of it, by contender.
    """

    seconds: dict[str, list[float]]
    failures: dict[str, str]


def interleave(
    turns: Mapping[str, Callable[[], float]],
    rounds: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Samples:
    """Gives each contender one turn a round.

    Each round has another order, since what runs right after what may matter; the same each time.

    Args:
        turns: Runs a contender once and returns the seconds that it took, by contender.
        rounds: How many rounds there are.
        progress: Is called with the number of each round, from 0, before it begins.
    """
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    failures: dict[str, str] = {}
    orders = random.Random(0)  # noqa: S311
    for number in range(rounds):
        progress(number)
        for name in orders.sample(list(turns), len(turns)):
            if name in failures:
                continue
            try:
                seconds[name].append(turns[name]())
            except (LotteryError, RuntimeError, MemoryError) as error:  # of torch, no memory, say
                failures[name] = reason(error)
    return Samples({n: s for n, s in seconds.items() if n not in failures}, failures)


def timed(run: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Runs twice, and returns how long the second run took.

    In the first its weights come back into the caches, and its threads awake: other contenders
    had the machine since its last turn.

    Args:
        run: What is measured.
        clock: Tells the time in seconds.
    """
    run()
    started = clock()
    run()
    return clock() - started
