"""Builds what ``lottery`` chooses by name: score, allocation, pattern."""

import functools
import inspect
import re
from collections.abc import Mapping
from typing import Any, cast

from mmengine.registry import Registry

from mmlth.engine.errors import LotteryError
from mmlth.engine.registry import ALLOCATIONS, PATTERNS, SCORES
from mmlth.messages import reason
from mmlth.pruning import Allocation, NOfM, Pattern, Score

Spec = str | dict[str, Any]
"""A registered name, or a dict with the name as ``type`` and options."""


def build_score(spec: Spec) -> Score:
    """The score that ``lottery.score`` names.

    Raises:
        LotteryError: On an unknown name, or options that do not fit.
    """
    return cast(Score, _build('score', SCORES, spec))


def build_allocation(spec: Spec) -> Allocation:
    """The allocation that ``lottery.allocation`` names; a dict without type is one of budgets.

    Raises:
        LotteryError: On an unknown name, or options that do not fit.
    """
    if isinstance(spec, Mapping) and 'type' not in spec:
        spec = {'type': 'budgets', 'modules': dict(spec)}
    return cast(Allocation, _build('allocation', ALLOCATIONS, spec))


def build_pattern(spec: Spec) -> Pattern:
    """The pattern that ``lottery.pattern`` names, ``'2:4'`` and the like included.

    Raises:
        LotteryError: On an unknown name, or options that do not fit.
    """
    if isinstance(spec, str) and (numbers := re.fullmatch(r'(\d+):(\d+)', spec)):
        try:
            return NOfM(int(numbers[1]), int(numbers[2]))
        except ValueError as error:
            raise LotteryError(f'lottery.pattern: {reason(error)}') from error
    return cast(Pattern, _build('pattern', PATTERNS, spec))


def _build(key: str, registry: Registry, spec: Any) -> Any:
    """A registered function with its options bound, or an instance of a registered class."""
    options = dict(spec) if isinstance(spec, Mapping) else {'type': spec}
    name = options.pop('type', None)
    if not isinstance(name, str) or name not in registry.module_dict:
        also = ', N:M such as 2:4' if registry is PATTERNS else ''
        raise LotteryError(
            f'lottery.{key} must be one of {", ".join(sorted(registry.module_dict))}{also}, '
            f'got {name!r}'
        )
    chosen = registry.module_dict[name]
    known = list(inspect.signature(chosen).parameters.values())
    if not inspect.isclass(chosen):
        known = known[_GIVEN[key] :]
    names = [parameter.name for parameter in known]
    for option in options:
        if option not in names:
            raise LotteryError(
                f'lottery.{key}={name!r} has no option {option!r}; it has '
                f'{", ".join(names) or "none"}'
            )
    for parameter in known:
        if parameter.default is parameter.empty and parameter.name not in options:
            raise LotteryError(f'lottery.{key}={name!r} needs the option {parameter.name!r}')
    if not inspect.isclass(chosen):
        return functools.partial(chosen, **options) if options else chosen
    try:
        return chosen(**options)
    except (TypeError, ValueError) as error:
        raise LotteryError(f'lottery.{key}={name!r}: {reason(error)}') from error


_GIVEN = {'score': 1, 'allocation': 3, 'pattern': 5}
"""How many arguments mmlth gives a function; those that follow are its options."""
