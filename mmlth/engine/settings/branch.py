"""``lottery.branch``."""

import math
from collections.abc import Mapping
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.checks import check_count, check_keys
from mmlth.engine.settings.controls import build_control
from mmlth.engine.settings.members import CONTROL, named
from mmlth_common.lottery import WHOLE_SEARCH, BranchSettings, names_of


def parse_branch(branch: Any) -> BranchSettings:
    """Reads the key; raises a LotteryError if it is not as the class says."""
    if not isinstance(branch, Mapping):
        raise LotteryError(
            f"lottery.branch must be a dict like dict(control='random'), got {branch!r}"
        )
    check_keys('lottery.branch', branch, names_of(BranchSettings))
    values = {key: value for key, value in branch.items() if value is not None}
    if 'control' in values:
        values['control'] = named(CONTROL, values['control'])
        build_control(values['control'])
    if 'tickets' in values:
        given = values['tickets']
        given = [given] if isinstance(given, int) else given
        if not isinstance(given, (list, tuple)) or not given:
            raise LotteryError(
                f'lottery.branch.tickets must be a list of rounds such as [3, 5], got {given!r}'
            )
        # The dense model with new weights is a control, too: a model trained from scratch.
        control = values.get('control')
        least = 0 if control is not None and build_control(control).new_weights else 1
        for index in given:
            check_count('branch.tickets', index, least)
        values['tickets'] = tuple(sorted(set(given)))
    if not isinstance(values.get('seed', 0), int) or isinstance(values.get('seed'), bool):
        raise LotteryError(f'lottery.branch.seed must be a whole number, got {values["seed"]!r}')
    if 'length' in values:
        values['length'] = _length(values['length'])
        if 'control' in values and not build_control(values['control']).long_dense:
            raise LotteryError(
                f'lottery.branch.length={values["length"]!r} is of long_dense and of branches with '
                f'other settings, but the control {values["control"]!r} trains in full; leave one '
                'of them out'
            )
    return BranchSettings(**values)


def _length(given: Any) -> float | str:
    """How many times as long a round is; the command line gives numbers as text."""
    if given == WHOLE_SEARCH:
        return WHOLE_SEARCH
    try:
        length = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        length = math.nan
    if not 1 < length < math.inf:
        raise LotteryError(
            "lottery.branch.length must be a number above 1, or 'search' for as long as the "
            f'parent search, got {given!r}'
        )
    return length
