"""``lottery.round_length``."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.checks import check_choice, check_keys
from mmlth.engine.settings.rewinding import parse_step
from mmlth_common.lottery import COMPRESSED, LINEAR, ROUND_SCHEDULES

Unit = Literal['share', 'ep', 'it']


@dataclass(frozen=True)
class RoundLength:
    """How long the rounds between the dense and the last one train, or the one of a method.

    Attributes:
        amount: A share of a full round, or a number of epochs or of iterations.
        unit: Of which of these.
        linear: Whether the learning rate falls on a line from its maximum to zero; else the
            schedule of a full round is compressed.
    """

    amount: float
    unit: Unit
    linear: bool

    def __str__(self) -> str:
        """As ``lottery.round_length`` says it."""
        return f'{self.amount:g}' if self.unit == 'share' else f"'{self.amount:g}{self.unit}'"


def settle_round_length(values: dict[str, Any]) -> None:
    """Checks the key, and writes it in one way, whichever was chosen, in place.

    The whole schedule is no key at all; a dict that says no more than a length is the length.

    Args:
        values: The ``lottery`` key.

    Raises:
        LotteryError: If the value is none, or does not go with the other keys.
    """
    if 'round_length' not in values:
        return
    given = values.pop('round_length')
    options = dict(given) if isinstance(given, Mapping) else {'type': given}
    check_keys('lottery.round_length', options, ['type', 'schedule'])
    length = _length(options.get('type'), math.inf if 'method' in values else 1)
    schedule = options.get('schedule', COMPRESSED)
    check_choice('round_length.schedule', schedule, ROUND_SCHEDULES)
    if schedule == LINEAR:
        if values.get('rewind_what') == 'nothing':
            raise LotteryError(
                "lottery.rewind_what='nothing' stays at the last learning rate, while "
                "round_length.schedule='linear' begins at the highest one; give "
                "rewind_what='learning_rate' to train on from the trained weights that way"
            )
        values['round_length'] = {'type': length, 'schedule': schedule}
    elif length != 1:
        values['round_length'] = length


def build_round_length(spec: Any) -> RoundLength:
    """What ``lottery.round_length`` says.

    Args:
        spec: The value as `settle_round_length` leaves it.
    """
    options = spec if isinstance(spec, Mapping) else {'type': spec}
    length, linear = options['type'], options.get('schedule') == LINEAR
    if isinstance(length, str):
        count, unit = parse_step(length)
        return RoundLength(count, 'ep' if unit == 'ep' else 'it', linear)
    return RoundLength(length, 'share', linear)


def _length(given: Any, most: float) -> float | str:
    """A share as a number, which the command line gives as text, or a step."""
    if isinstance(given, str):
        if re.fullmatch(r'0*[1-9]\d*(it|ep)', given):
            return given
        if not re.fullmatch(r'\d*\.?\d+', given):
            raise LotteryError(_expected(given, most))
        given = float(given)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given <= most:
        raise LotteryError(_expected(given, most))
    return float(given)


def _expected(given: Any, most: float) -> str:
    limit = '' if math.isinf(most) else f' and at most {most}'
    return (
        f'lottery.round_length must be a share of the schedule above 0{limit}, or a step such as '
        f"'3ep' or '500it', got {given!r}"
    )
