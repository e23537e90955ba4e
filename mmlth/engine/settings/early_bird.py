"""``lottery.early_bird``."""

from collections.abc import Mapping
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.checks import check_keys, check_values
from mmlth_common.lottery import EarlyBirdSettings, names_of


def parse_early_bird(given: Any, lottery: Mapping[str, Any]) -> EarlyBirdSettings:
    """Reads the key.

    Args:
        given: The value of the key.
        lottery: The whole ``lottery`` key, as it is given.

    Raises:
        LotteryError: If the value is not valid, or does not go with the other keys.
    """
    if not isinstance(given, Mapping):
        raise LotteryError(
            f'lottery.early_bird must be a dict like dict(window=5, distance=0.1), got {given!r}'
        )
    check_keys('lottery.early_bird', given, names_of(EarlyBirdSettings))
    values = {key: value for key, value in given.items() if value is not None}
    check_values(EarlyBirdSettings, values, 'early_bird.')
    early_bird = EarlyBirdSettings(**values)
    if early_bird.window < 2:
        raise LotteryError(
            f'lottery.early_bird.window compares 2 masks or more, got {early_bird.window}'
        )
    if lottery.get('rewind_what') == 'nothing' and not early_bird.full_dense:
        raise LotteryError(
            "lottery.rewind_what='nothing' stays at the learning rate that round 0 ended with, "
            'which is still high where early_bird stops it; add early_bird.full_dense=True'
        )
    if lottery.get('rounds') == 1 and early_bird.full_dense:
        raise LotteryError(
            'lottery.early_bird.full_dense=True leaves no round to stop where rounds=1; remove it'
        )
    return early_bird
