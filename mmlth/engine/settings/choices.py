"""Builds what ``lottery`` chooses by name: score, allocation, pattern, schedule."""

import re
from collections.abc import Mapping
from typing import Any, cast

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.members import (
    ALLOCATION,
    METHOD,
    PATTERN,
    SCHEDULE,
    SCORE,
    Spec,
    build,
    member_names,
    named,
)
from mmlth.messages import reason
from mmlth.pruning import Allocation, Method, NOfM, Pattern, Schedule, Score


def build_score(spec: Spec) -> Score:
    """The score that ``lottery.score`` names.

    Raises:
        LotteryError: On an unknown name, or options that do not fit.
    """
    return cast(Score, build(SCORE, spec))


def build_allocation(spec: Spec) -> Allocation:
    """The allocation that ``lottery.allocation`` names; a dict without type is one of budgets.

    Raises:
        LotteryError: On an unknown name, or options that do not fit.
    """
    if isinstance(spec, Mapping) and 'type' not in spec:
        spec = {'type': 'budgets', 'modules': dict(spec)}
    return cast(Allocation, build(ALLOCATION, spec))


def build_pattern(spec: Spec) -> Pattern:
    """The pattern that ``lottery.pattern`` names, ``'2:4'`` and the like included.

    Raises:
        LotteryError: On an unknown name, or options that do not fit.
    """
    if isinstance(spec, str) and (numbers := re.fullmatch(_N_OF_M, spec)):
        try:
            return NOfM(int(numbers[1]), int(numbers[2]))
        except ValueError as error:
            raise LotteryError(f'lottery.pattern: {reason(error)}') from error
    return cast(Pattern, build(PATTERN, spec))


def build_schedule(spec: Spec) -> Schedule:
    """The schedule that ``lottery.schedule`` names.

    Raises:
        LotteryError: On an unknown name, or options that do not fit.
    """
    return cast(Schedule, build(SCHEDULE, spec))


def build_method(spec: Spec) -> Method:
    """The method that ``lottery.method`` or a `PruningHook` names.

    Raises:
        LotteryError: On an unknown name, or options that do not fit.
    """
    method = build(METHOD, named(METHOD, spec))
    if not all(callable(getattr(method, name, None)) for name in ('updates', 'update')):
        raise LotteryError(
            f'lottery.method={spec!r} is no method: it needs updates() and update(), as those in '
            'mmlth.pruning.methods have them'
        )
    return cast(Method, method)


def is_method(spec: Any) -> bool:
    """Whether a name, or a dict with the name as ``type``, is of a registered method."""
    name = spec.get('type') if isinstance(spec, Mapping) else spec
    return isinstance(name, str) and name in member_names(METHOD)


def settle_names(values: dict[str, Any]) -> None:
    """Puts names that find the same anywhere in place of what a config chooses by, in place.

    Args:
        values: The ``lottery`` key.

    Raises:
        LotteryError: On an unknown name.
    """
    for kind in (SCORE, ALLOCATION, PATTERN, SCHEDULE, METHOD):
        if kind.key not in values:
            continue
        spec = values[kind.key]
        if kind is PATTERN and isinstance(spec, str) and re.fullmatch(_N_OF_M, spec):
            continue
        if kind is ALLOCATION and isinstance(spec, Mapping) and 'type' not in spec:
            values[kind.key] = {str(module): value for module, value in spec.items()}
            continue
        values[kind.key] = named(kind, spec)


_N_OF_M = r'(\d+):(\d+)'
