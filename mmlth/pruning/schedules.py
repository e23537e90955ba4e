"""Schedules: how the number of kept weights falls from round to round."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Protocol

from mmlth.pruning.errors import PruningError
from mmlth.pruning.kept_counts import kept_at, kept_per_round


class Schedule(Protocol):
    """Says how many weights each round of a search keeps."""

    def __call__(self, total: int, kept: int, /) -> Sequence[int]:
        """Plans the rounds.

        Args:
            total: Number of prunable weights.
            kept: Number of them that the last round keeps, at least 0 and less than ``total``.

        Returns:
            Numbers of weights that rounds 0, 1, … N keep, whole ones. The first is ``total``, round
            0 being the dense model; the last is ``kept``; none is larger than the one before.

        Raises:
            PruningError: If there is no such schedule. Users see its message alone, of any other
                error the traceback.
        """


def geometric(total: int, kept: int, rounds: int) -> list[int]:
    """The density falls geometrically over so many rounds; see `kept_per_round`.

    Args:
        total: Number of prunable weights.
        kept: Number of them that the last round keeps.
        rounds: Number of pruning rounds, at least 1.

    Raises:
        PruningError: If ``rounds`` is none.
    """
    _check_rounds(rounds)
    return kept_per_round(total, (total - kept) / total, rounds=rounds)


def by_rate(total: int, kept: int, rate: float = 0.2) -> list[int]:
    """Each round prunes the same share of what is left, the last one less; see `kept_per_round`.

    Args:
        total: Number of prunable weights.
        kept: Number of them that the last round keeps.
        rate: Share of the remaining weights that a round prunes, in (0, 1).

    Raises:
        PruningError: If ``rate`` is out of range.
    """
    _check_share('rate', rate)
    return kept_per_round(total, (total - kept) / total, rate=rate)


def by_list(total: int, kept: int, sparsities: Sequence[float]) -> list[int]:
    """The sparsity after each round is given; the last round keeps ``kept``.

    Args:
        total: Number of prunable weights.
        kept: Number of them that the last round keeps.
        sparsities: Shares removed after rounds 1 … N, in (0, 1), each more than the one before.

    Raises:
        PruningError: If they are no list or do not rise, or one is out of range.
    """
    if isinstance(sparsities, str) or not isinstance(sparsities, Sequence):
        raise PruningError(f'sparsities must be a list such as [0.5, 0.8], got {sparsities!r}')
    for sparsity in sparsities:
        _check_share('sparsities', sparsity)
    return [*kept_at(total, sparsities)[:-1], kept]


def one_shot(total: int, kept: int) -> list[int]:
    """One round prunes all.

    Args:
        total: Number of prunable weights.
        kept: Number of them that this round keeps.
    """
    return [total, kept]


def check_schedule(counts: Sequence[int], total: int, kept: int) -> list[int]:
    """Checks what a schedule gave.

    Args:
        counts: Numbers of weights that each round keeps.
        total: What the schedule was given.
        kept: What the schedule was given.

    Returns:
        The same numbers.

    Raises:
        PruningError: If they are not as `Schedule` says.
    """
    whole = isinstance(counts, Sequence) and all(isinstance(count, Integral) for count in counts)
    numbers = [int(count) for count in counts] if whole else []
    falling = numbers == sorted(numbers, reverse=True)
    if len(numbers) < 2 or (numbers[0], numbers[-1]) != (total, kept) or not falling:
        raise PruningError(
            f'a schedule must give whole numbers that fall from {total} to {kept}, got {counts!r}'
        )
    return numbers


def _check_share(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < 1:
        raise PruningError(f'{name} must lie between 0 and 1 (excluded), got {value!r}')


def _check_rounds(rounds: int) -> None:
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 1:
        raise PruningError(f'rounds must be a whole number of at least 1, got {rounds!r}')


SCHEDULES = {
    'geometric': geometric,
    'by_rate': by_rate,
    'by_list': by_list,
    'one_shot': one_shot,
}
"""Functions, or classes whose instances are some, by the name that ``lottery.schedule`` gives."""
