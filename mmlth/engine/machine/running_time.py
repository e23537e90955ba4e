"""The time in which a training ran, without that in which its process stood still."""

import statistics
import time
from collections import defaultdict, deque

_LEAST = 10.0
_TIMES_THE_USUAL = 10
_RECENT = 99


class RunningTime:
    """Adds up seconds from mark to mark.

    A process that is suspended (SIGSTOP, a frozen container, a machine that sleeps) finds that the
    clock has jumped since the last mark. So where more than ten seconds lie between two marks, and
    more than ten times what usually lies between the same two, the usual counts: a validation is
    compared with validations, a saved checkpoint with others. The first of a kind counts as it is,
    since compilers and workers take their time there.
    """

    def __init__(self) -> None:
        self._place, self._time = '', time.monotonic()
        self._short = 0.0
        self._long: list[tuple[tuple[str, str], float]] = []
        self._recent: defaultdict[tuple[str, str], deque[float]] = defaultdict(
            lambda: deque(maxlen=_RECENT)
        )

    def mark(self, place: str) -> None:
        """Says where the training is now."""
        now = time.monotonic()
        kind, seconds = (self._place, place), now - self._time
        self._place, self._time = place, now
        if seconds > _LEAST and kind in self._recent:
            self._long.append((kind, seconds))
        else:
            self._short += seconds
        self._recent[kind].append(seconds)

    @property
    def seconds(self) -> float:
        """The seconds from the beginning to now."""
        usual = {kind: statistics.median(self._recent[kind]) for kind, _ in self._long}
        long = (s if s <= _TIMES_THE_USUAL * usual[k] else usual[k] for k, s in self._long)
        return self._short + sum(long) + time.monotonic() - self._time
