"""``lottery.budget``."""

from collections.abc import Mapping
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.checks import check_choice, check_keys
from mmlth_common.lottery import MACS, WEIGHTS


def parse_budget(given: Any) -> str | dict[str, Any]:
    """Reads the key; the power is part of what is recorded, whether it was given or not.

    Raises:
        LotteryError: If it is neither ``'weights'`` nor ``'macs'``, nor a dict of them.
    """
    options = dict(given) if isinstance(given, Mapping) else {'type': given}
    check_keys('lottery.budget', options, ['type', 'power'])
    check_choice('budget', options.get('type'), (MACS, WEIGHTS))
    power = options.get('power', 0)
    if isinstance(power, bool) or not isinstance(power, (int, float)) or not 0 <= power <= 1:
        raise LotteryError(f'lottery.budget.power must lie between 0 and 1, got {power!r}')
    if options['type'] == WEIGHTS and 'power' in options:
        raise LotteryError("lottery.budget.power is of 'macs'; leave it out where weights count")
    return WEIGHTS if options['type'] == WEIGHTS else {'type': MACS, 'power': float(power)}
