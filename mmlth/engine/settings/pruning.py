"""How much each round prunes, and by what: sparsities, score, allocation, floor, pattern."""

from collections.abc import Mapping
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.checks import check_number
from mmlth.engine.settings.choices import build_allocation, build_pattern, build_score
from mmlth.messages import reason
from mmlth.pruning import kept_at

DEFAULT_TARGET = 0.8


def settle_sparsities(values: dict[str, Any]) -> None:
    """Checks the list, which excludes ``rounds`` and ``rate`` and ends at the target."""
    given = values['sparsities']
    for key in ('rounds', 'rate'):
        if key in values:
            raise LotteryError(
                f'lottery.sparsities={given} and lottery.{key}={values[key]} exclude each other; '
                'keep one (set the other to None)'
            )
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
    if values.setdefault('target_sparsity', given[-1]) != given[-1]:
        raise LotteryError(
            f'lottery.target_sparsity={values["target_sparsity"]}, but lottery.sparsities ends at '
            f'{given[-1]}; leave the target out (None), or let them agree'
        )
    values['sparsities'] = tuple(given)


def validate_pruning(values: dict[str, Any]) -> None:
    """Checks how weights are chosen: score, allocation, floor, pattern."""
    for key in ('score', 'allocation', 'pattern'):
        if isinstance(values.get(key), Mapping):
            values[key] = _plain(values[key])
    build_score(values.get('score', 'magnitude'))
    allocation = build_allocation(values.get('allocation', 'global'))
    pattern = build_pattern(values.get('pattern', 'unstructured'))
    values.setdefault('target_sparsity', None if hasattr(allocation, 'kept') else DEFAULT_TARGET)
    target, least = values['target_sparsity'], getattr(pattern, 'least_sparsity', 0.0)
    lowest = [target, *getattr(allocation, 'modules', {}).values()]
    for value in lowest:
        if value is not None and value < least - 1e-9:
            raise LotteryError(
                f'lottery.pattern={values["pattern"]!r} removes at least {least:.4g} of the '
                f'weights, but {value} is asked for; give at least {least:.4g}'
            )
    floor = values.get('floor', 0)
    if isinstance(floor, bool) or not isinstance(floor, (int, float)) or not 0 <= floor < 1:
        raise LotteryError(f'lottery.floor must be a share from 0 to below 1, got {floor!r}')


def _plain(value: Any) -> Any:
    """The same without the config's own kinds of dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
