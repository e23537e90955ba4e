"""``lottery.rewind``, ``rewind_what`` and ``after_rewind``."""

import re
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth_common.lottery import BEST


def parse_step(step: str) -> tuple[int, str]:
    """Reads a step: ``'0'`` → (0, 'it'), ``'500it'`` → (500, 'it'), ``'1ep'`` → (1, 'ep').

    ``'best'`` is no step; what starts there starts at iteration 0.

    Raises:
        LotteryError: If it is none of these.
    """
    match = re.fullmatch(rf'(\d+)(it|ep)|0|{BEST}', step)
    if match is None:
        raise LotteryError(
            f"lottery.rewind must be like '0', '500it' or '1ep', or 'best', got {step!r}"
        )
    return (int(match[1]), match[2]) if match[1] else (0, 'it')


def settle_after_rewind(values: dict[str, Any]) -> None:
    """Fills in ``after_rewind``, and refuses what does not go together."""
    best, what = values['rewind'] == BEST, values.get('rewind_what', 'weights')
    values.setdefault('after_rewind', 'full' if best else 'continue')
    if best and what == 'nothing':
        raise LotteryError(
            "lottery.rewind_what='nothing' trains as long as is left after the rewind step, but "
            "rewind='best' is no step of the schedule; give a step such as '1ep', or in a branch "
            "rewind_what='learning_rate'"
        )
    if best and what != 'weights' and 'branch' not in values:  # whose search has rewound weights
        raise LotteryError(
            f"lottery.rewind='best' rewinds weights, but rewind_what={what!r} starts elsewhere; "
            "give a step such as '1ep'"
        )
    if best and values['after_rewind'] == 'continue':
        raise LotteryError(
            "lottery.rewind='best' has no place in the schedule to continue from; leave "
            "lottery.after_rewind out, or give 'full'"
        )
    if what == 'nothing' and values['after_rewind'] == 'full':
        raise LotteryError(
            "lottery.rewind_what='nothing' stays at the last learning rate, while "
            "after_rewind='full' runs the schedule anew; keep one of them"
        )
