"""Checks of single values of ``lottery``, by which all its keys complain alike."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth_common.lottery import ValueKind, info_of


def check_keys(where: str, given: Iterable[str], valid: list[str]) -> None:
    """Checks that all keys are valid.

    Args:
        where: What messages put before a key, such as ``'lottery.targets'``.
        given: The keys.
        valid: The keys that there are.

    Raises:
        LotteryError: If a key is not valid; it names the nearest.
    """
    for key in given:
        if key not in valid:
            nearest = difflib.get_close_matches(str(key), valid, n=1)
            hint = f'did you mean {nearest[0]!r}? ' if nearest else ''
            raise LotteryError(f'unknown key {where}.{key}; {hint}valid keys: {", ".join(valid)}')


def check_values(keys: type, given: Mapping[str, Any], where: str = '') -> None:
    """Checks all values whose kind says what they may be.

    Args:
        keys: The class of `mmlth_common.lottery` that declares the keys.
        given: The values by key.
        where: What messages put before a key, such as ``'targets.'``.

    Raises:
        LotteryError: If a value is not what its kind says.
    """
    for key in fields(keys):
        if key.name not in given:
            continue
        value, declared = given[key.name], info_of(key)
        if declared.kind == 'choice':
            check_choice(where + key.name, value, declared.choices)
        elif declared.kind in _CHECKS:
            _CHECKS[declared.kind](where + key.name, value)


def check_number(key: str, value: Any) -> None:
    """Checks that a value lies between 0 and 1.

    Args:
        key: The key within ``lottery``, for messages.
        value: Its value.

    Raises:
        LotteryError: If it does not lie there.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
        raise LotteryError(f'lottery.{key} must lie between 0 and 1 (excluded), got {value!r}')


def check_count(key: str, value: Any, least: int = 1) -> None:
    """Checks that a value is a whole number, and large enough.

    Args:
        key: The key within ``lottery``, for messages.
        value: Its value.
        least: The smallest one that is allowed.

    Raises:
        LotteryError: If it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise LotteryError(
            f'lottery.{key} must be a whole number of at least {least}, got {value!r}'
        )


def check_flag(key: str, value: Any) -> None:
    """Checks that a value is True or False.

    Args:
        key: The key within ``lottery``, for messages.
        value: Its value.

    Raises:
        LotteryError: If it is neither.
    """
    if not isinstance(value, bool):
        raise LotteryError(f'lottery.{key} must be True or False, got {value!r}')


def check_choice(key: str, value: Any, valid: Iterable[str]) -> None:
    """Checks that a value is one of the valid ones.

    Args:
        key: The key within ``lottery``, for messages.
        value: Its value.
        valid: The values that it may have.

    Raises:
        LotteryError: If it is none of them.
    """
    if value not in list(valid):
        raise LotteryError(
            f'lottery.{key} must be one of {", ".join(sorted(valid))}, got {value!r}'
        )


def _check_share_from_zero(key: str, value: Any) -> None:
    """Raises a LotteryError unless the value lies between 0 and 1, or is 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise LotteryError(f'lottery.{key} must be a share from 0 to below 1, got {value!r}')


def _check_file(key: str, value: Any) -> None:
    """Raises a LotteryError unless the value can be the path of a file."""
    if not isinstance(value, str):
        raise LotteryError(f'lottery.{key} must be the path of a file, got {value!r}')


_CHECKS: dict[ValueKind, Callable[[str, Any], None]] = {
    'count': check_count,
    'file': _check_file,
    'flag': check_flag,
    'share': check_number,
    'share_from_zero': _check_share_from_zero,
}
"""How a value is checked, by its kind; the other kinds have checks of their own."""
