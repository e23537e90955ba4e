"""``lottery.distil``."""

import math
from collections.abc import Mapping
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.checks import check_keys

_KEYS = ['weight', 'temperature']


def parse_distil(given: Any) -> float | dict[str, float]:
    """Reads the key; a dict that says no more than a number becomes the number.

    Raises:
        LotteryError: If it is neither a number above 0 nor a dict with one as ``weight``.
    """
    if not isinstance(given, Mapping):
        check_positive('lottery.distil', given)
        return float(given)
    check_keys('lottery.distil', given, _KEYS)
    if 'weight' not in given:
        raise LotteryError(
            f'lottery.distil={dict(given)!r} needs a weight, such as dict(weight=0.5, '
            'temperature=2.0)'
        )
    for key in given:
        check_positive(f'lottery.distil.{key}', given[key])
    options = {key: float(given[key]) for key in _KEYS if key in given}
    return options['weight'] if options.get('temperature', 1.0) == 1 else options


def check_positive(what: str, value: Any) -> None:
    """Checks that a value is a number above 0.

    Args:
        what: What messages call it.
        value: The value.

    Raises:
        LotteryError: If it is none.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 < value < math.inf:
        raise LotteryError(f'{what} must be a number above 0, got {value!r}')
