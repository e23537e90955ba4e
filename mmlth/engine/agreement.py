"""What all processes of a search must agree on is decided by the first one."""

from collections.abc import Callable
from typing import TypeVar, cast

from mmengine.dist import broadcast_object_list, get_world_size, is_main_process

from mmlth.engine.errors import LotteryError

Decision = TypeVar('Decision')


def decided_by_first(decide: Callable[[], Decision]) -> Decision:
    """What ``decide`` returns in the first process, in every process.

    Args:
        decide: Called in the first process only; what it returns can be pickled.

    Raises:
        LotteryError: In every process, if ``decide`` raises one; otherwise they would wait.
    """
    if get_world_size() == 1:
        return decide()
    outcome: list[Decision | LotteryError | None] = [None]
    if is_main_process():
        try:
            outcome[0] = decide()
        except LotteryError as error:
            outcome[0] = error
    broadcast_object_list(outcome)
    if isinstance(outcome[0], LotteryError):
        raise outcome[0]
    return cast(Decision, outcome[0])
