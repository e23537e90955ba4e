"""``lottery.targets``."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.checks import check_keys, check_values
from mmlth.messages import reason
from mmlth.pruning import read_scope
from mmlth_common.lottery import TargetSettings, names_of


def parse_targets(targets: Any) -> TargetSettings:
    """Reads the key; raises a LotteryError if it is not as the class says."""
    if isinstance(targets, str):
        targets = {'scope': targets}
    if not isinstance(targets, Mapping):
        raise LotteryError(
            "lottery.targets must be roles like 'backbone+neck' or a dict like "
            f"dict(scope='all', exclude=['neck']), got {targets!r}"
        )
    check_keys('lottery.targets', targets, names_of(TargetSettings))
    check_values(TargetSettings, targets, 'targets.')
    values: dict[str, Any] = {}
    for key, value in targets.items():
        if key in ('include', 'exclude'):
            value = (value,) if isinstance(value, str) else value
            if not isinstance(value, (list, tuple)) or not all(isinstance(p, str) for p in value):
                raise LotteryError(
                    f'lottery.targets.{key} must be a list of patterns, got {value!r}'
                )
            value = tuple(value)
        elif key == 'scope' and not isinstance(value, str):
            raise LotteryError(
                f"lottery.targets.scope must be roles like 'backbone+neck', got {value!r}"
            )
        values[key] = value
    chosen = TargetSettings(**values)
    try:
        scope = read_scope(chosen.scope)
    except ValueError as error:
        raise LotteryError(f'lottery.targets: {reason(error)}') from error
    # Said outright, for the records of searches and tickets.
    return replace(
        chosen,
        predictors=chosen.predictors or scope.predictors,
        frozen=chosen.frozen or scope.frozen,
    )
