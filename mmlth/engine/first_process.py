"""What the first process works out for all."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from mmengine.dist import broadcast_object_list, is_main_process

from mmlth.errors import LotteryError
from mmlth.ticket import TicketError

Result = TypeVar('Result')


def from_first_process(compute: Callable[[], Result]) -> Result:
    """What the first process computes, on every process.

    Where that fails as a user can mend it, all processes fail alike: the others would else wait
    for an answer until something ends them, and hide the reason.

    Args:
        compute: Called on the first process only; it must not wait for the others.

    Raises:
        LotteryError: If ``compute`` raises it.
        TicketError: The same.
        OSError: The same.
    """
    answer: list[Any] = [None, None]
    if is_main_process():
        try:
            answer[0] = compute()
        except (LotteryError, TicketError, OSError) as error:
            answer[1] = error
    broadcast_object_list(answer)
    result, failure = answer
    if failure is not None:
        raise failure
    return cast(Result, result)
