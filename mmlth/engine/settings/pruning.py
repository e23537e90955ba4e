"""How much each round prunes, and by what: schedule, score, allocation, pattern."""

from collections.abc import Mapping
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.checks import check_number
from mmlth.engine.settings.choices import (
    build_allocation,
    build_pattern,
    build_schedule,
    build_score,
)
from mmlth.messages import reason
from mmlth.pruning import SCHEDULES, Allocation, PruningError, by_list, kept_at
from mmlth_common.lottery import DEFAULT_RATE, DEFAULT_TARGET, SCHEDULE_KEYS, WEIGHTS


def settle_schedule(values: dict[str, Any]) -> None:
    """Checks the keys that choose the schedule, which exclude each other; fills in the default.

    Args:
        values: The ``lottery`` key; changed in place.

    Raises:
        LotteryError: If they do not go together, or one is out of range.
    """
    _check_exclusive(values)
    if 'sparsities' in values:
        settle_sparsities(values)
    elif 'schedule' in values:
        _check_schedule(values)
    elif 'rounds' not in values:
        values.setdefault('rate', DEFAULT_RATE)


def _check_schedule(values: dict[str, Any]) -> None:
    """Checks the options, and tries a schedule of mmlth, for which any numbers will do."""
    given = values['schedule']
    schedule = build_schedule(given)
    member = getattr(schedule, '__wrapped__', schedule)  # what has options bound wraps it
    if member not in SCHEDULES.values():
        return  # one of the user's own may go with one model alone
    try:
        schedule(1000, 500)
    except PruningError as error:
        raise LotteryError(f'lottery.schedule={given!r}: {reason(error)}') from error
    if member is by_list:
        _settle_target(values, 'schedule', given['sparsities'][-1])


def _check_exclusive(values: Mapping[str, Any]) -> None:
    given = [key for key in SCHEDULE_KEYS if key in values]
    if len(given) > 1:
        first, second = given[:2]
        raise LotteryError(
            f'lottery.{first}={values[first]} and lottery.{second}={values[second]} exclude each '
            'other; keep one (set the other to None)'
        )


def settle_sparsities(values: dict[str, Any]) -> None:
    """Checks the list, which ends at the target.

    Args:
        values: The ``lottery`` key; changed in place.

    Raises:
        LotteryError: If they do not rise, or do not end at the target.
    """
    given = values['sparsities']
    given = [given] if isinstance(given, (int, float)) else given
    if not isinstance(given, (list, tuple)) or not given:
        raise LotteryError(
            f'lottery.sparsities must be a list such as [0.5, 0.8, 0.9], got {given!r}'
        )
    for value in given:
        check_number('sparsities', value)
    try:
        kept_at(1, given)
    except ValueError as error:
        raise LotteryError(f'lottery.{reason(error)}') from error
    _settle_target(values, 'sparsities', given[-1])
    values['sparsities'] = tuple(given)


def _settle_target(values: dict[str, Any], key: str, last: float) -> None:
    """Makes the last sparsity of the list that a key gives the target."""
    if values.setdefault('target_sparsity', last) != last:
        raise LotteryError(
            f'lottery.target_sparsity={values["target_sparsity"]}, but lottery.{key} ends at '
            f'{last}; leave the target out (None), or let them agree'
        )


def validate_pruning(values: dict[str, Any]) -> None:
    """Checks how weights are chosen: score, allocation, pattern."""
    build_score(values.get('score', 'magnitude'))
    allocation = build_allocation(values.get('allocation', 'global'))
    pattern = build_pattern(values.get('pattern', 'unstructured'))
    if values['budget'] != WEIGHTS:
        _check_macs(values, allocation)
    values.setdefault('target_sparsity', None if hasattr(allocation, 'kept') else DEFAULT_TARGET)
    target, least = values['target_sparsity'], getattr(pattern, 'least_sparsity', 0.0)
    lowest = [target, *getattr(allocation, 'modules', {}).values()]
    for value in lowest:
        if value is not None and value < least - 1e-9:
            raise LotteryError(
                f'lottery.pattern={values["pattern"]!r} removes at least {least:.4g} of the '
                f'weights, but {value} is asked for; give at least {least:.4g}'
            )


def _check_macs(values: Mapping[str, Any], allocation: Allocation) -> None:
    """Refuses what counts weights where the budget counts multiply-adds."""
    if hasattr(allocation, 'kept'):
        raise LotteryError(
            f"lottery.budget='macs' counts multiply-adds, but lottery.allocation="
            f"{values['allocation']} says how many weights are left; give 'global', 'uniform', "
            "'erk' or 'lamp'"
        )
    if 'early_bird' in values:
        raise LotteryError(
            'lottery.early_bird compares masks with chance by the number of weights, which '
            "lottery.budget='macs' does not tell before; leave one of them out"
        )
