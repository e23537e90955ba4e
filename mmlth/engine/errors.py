"""Errors that a user can mend, told in one line."""

import os
import sys
from types import TracebackType

from mmlth.ticket import TicketError

ANOTHER_WORK_DIR = 'another work_dir (--work-dir, of a branch --name)'
"""How messages advise to put a search elsewhere."""


class LotteryError(ValueError):
    """Bad input to a search; the message says what was given, what was expected, how to mend it."""


class DamagedCheckpointError(LotteryError):
    """A checkpoint that is not what was written."""


class StoppedEarly(Exception):
    """Ends a round whose early stopping had decided before the interruption."""


class Preempted(SystemExit):
    """Ends the process after a signal, its work saved, with a code that asks to be run again."""

    def __init__(self) -> None:
        super().__init__(os.EX_TEMPFAIL)


def show_lottery_errors_in_one_line() -> None:
    """Makes scripts end on an error of mmlth with its one line rather than a traceback.

    Called for configs with a ``lottery`` key only. Notebooks and tests see an ordinary exception.
    """
    if getattr(sys.excepthook, 'shows_lottery_errors', False):
        return
    previous = sys.excepthook

    def hook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, (LotteryError, TicketError)):
            print(f'mmlth: {error}', file=sys.stderr)
        else:
            previous(kind, error, traceback)

    hook.shows_lottery_errors = True  # type: ignore[attr-defined]
    sys.excepthook = hook
