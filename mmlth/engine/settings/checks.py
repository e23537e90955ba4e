"""Checks of single values of ``lottery``, by which all its keys complain alike."""

import difflib
from collections.abc import Iterable
from typing import Any

from mmlth.engine.errors import LotteryError


def check_keys(where: str, given: Iterable[str], valid: list[str]) -> None:
    """Raises a LotteryError on a key that is not valid, and names the nearest."""
    for key in given:
        if key not in valid:
            nearest = difflib.get_close_matches(str(key), valid, n=1)
            hint = f'did you mean {nearest[0]!r}? ' if nearest else ''
            raise LotteryError(f'unknown key {where}.{key}; {hint}valid keys: {", ".join(valid)}')


def check_number(key: str, value: Any) -> None:
    """Raises a LotteryError unless the value lies between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise LotteryError(f'lottery.{key} must lie between 0 and 1 (excluded), got {value!r}')


def check_count(key: str, value: Any) -> None:
    """Raises a LotteryError unless the value is a whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise LotteryError(f'lottery.{key} must be a whole number of at least 1, got {value!r}')


def check_flag(key: str, value: Any) -> None:
    """Raises a LotteryError unless the value is True or False."""
    if not isinstance(value, bool):
        raise LotteryError(f'lottery.{key} must be True or False, got {value!r}')


def check_choice(key: str, value: Any, valid: Iterable[str]) -> None:
    """Raises a LotteryError unless the value is one of the valid ones."""
    if value not in list(valid):
        raise LotteryError(
            f'lottery.{key} must be one of {", ".join(sorted(valid))}, got {value!r}'
        )
