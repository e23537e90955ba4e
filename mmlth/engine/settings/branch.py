"""``lottery.branch``."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mmlth.engine.errors import LotteryError
from mmlth.engine.settings.checks import check_count, check_keys
from mmlth.engine.settings.controls import build_control


@dataclass(frozen=True)
class BranchSettings:
    """``lottery.branch``: the search shares its dense round with another one, its parent search.

    Attributes:
        control: What is compared with the parent search's tickets: a name, or a dict with the name
            as ``type`` and its options; see `mmlth.engine.settings.controls`. None: a search with
            other settings.
        tickets: The rounds of the parent search whose tickets get the control; by default all of
            them.
        seed: Another one draws other masks, weights or orders.
        label: Its name in reports, where several branches may share one; by default the folder's.
    """

    control: str | dict[str, Any] | None = None
    tickets: tuple[int, ...] | None = None
    seed: int = 0
    label: str | None = None


def parse_branch(branch: Any) -> BranchSettings:
    """Reads the key; raises a LotteryError if it is not as the class says."""
    if not isinstance(branch, Mapping):
        raise LotteryError(
            f"lottery.branch must be a dict like dict(control='random'), got {branch!r}"
        )
    check_keys('lottery.branch', branch, [field.name for field in fields(BranchSettings)])
    values = {key: value for key, value in branch.items() if value is not None}
    if not isinstance(values.get('control', ''), (str, Mapping)):
        raise LotteryError(
            f'lottery.branch.control must be a name or a dict with type, got {values["control"]!r}'
        )
    if isinstance(values.get('control'), Mapping):
        values['control'] = dict(values['control'])
    if 'control' in values:
        build_control(values['control'])
    if 'tickets' in values:
        given = values['tickets']
        given = [given] if isinstance(given, int) else given
        if not isinstance(given, (list, tuple)) or not given:
            raise LotteryError(
                f'lottery.branch.tickets must be a list of rounds such as [3, 5], got {given!r}'
            )
        for index in given:
            check_count('branch.tickets', index)
        values['tickets'] = tuple(sorted(set(given)))
    if not isinstance(values.get('seed', 0), int) or isinstance(values.get('seed'), bool):
        raise LotteryError(f'lottery.branch.seed must be a whole number, got {values["seed"]!r}')
    return BranchSettings(**values)
