"""``lottery.early_bird``."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.checks import check_count, check_flag, check_keys, check_number


@dataclass(frozen=True)
class EarlyBirdSettings:
    """``lottery.early_bird``: rounds but the last end when the next round's mask has converged.

    Attributes:
        window: Number of masks, one an epoch, that have to agree.
        distance: How much of the competing weights the newest one may differ in from each of the
            others, in (0, 1).
        interval: After how many iterations a mask is drawn in loops without epochs; by default
            as often as they validate.
        full_dense: Whether round 0 trains in full: the dense model to compare with.
    """

    window: int = 5
    distance: float = 0.1
    interval: int | None = None
    full_dense: bool = False


def parse_early_bird(given: Any, lottery: Mapping[str, Any]) -> EarlyBirdSettings:
    """Reads the key; raises a LotteryError if it does not go with the others."""
    if not isinstance(given, Mapping):
        raise LotteryError(
            f'lottery.early_bird must be a dict like dict(window=5, distance=0.1), got {given!r}'
        )
    check_keys('lottery.early_bird', given, [field.name for field in fields(EarlyBirdSettings)])
    early_bird = EarlyBirdSettings(
        **{key: value for key, value in given.items() if value is not None}
    )
    check_number('early_bird.distance', early_bird.distance)
    check_count('early_bird.window', early_bird.window)
    check_count('early_bird.interval', 1 if early_bird.interval is None else early_bird.interval)
    if early_bird.window < 2:
        raise LotteryError(
            f'lottery.early_bird.window compares 2 masks or more, got {early_bird.window}'
        )
    check_flag('early_bird.full_dense', early_bird.full_dense)
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
