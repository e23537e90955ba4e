"""A full disk is reported in one line, whatever MMEngine or torch made of it."""

import contextlib
import errno
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from mmlth.engine.errors import LotteryError
from mmlth.messages import reason


@contextlib.contextmanager
def explaining_full_disks(work_dir: Path) -> Iterator[None]:
    """Turns errors of a full disk into one line; other errors pass.

    Lines of log files that find no room are dropped: the terminal has them, and the next file that
    matters ends the search.

    Raises:
        LotteryError: If the disk is full, or the user's share of it.
    """
    try:
        with _log_files_without_tracebacks():
            yield
    except (OSError, RuntimeError) as error:
        if not _is_full(error):
            raise
        raise LotteryError(
            f'the disk that holds {work_dir} is full ({reason(error)}); what was there before is '
            'intact: free some room, then continue with --resume (resume=True)'
        ) from error


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return 'No space left' in str(error)


@contextlib.contextmanager
def _log_files_without_tracebacks() -> Iterator[None]:
    """Keeps ``logging`` from printing a traceback for each line that finds no room."""
    complain = logging.FileHandler.handleError

    def complain_of_others(handler: logging.Handler, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if error is None or not _is_full(error):
            complain(handler, record)

    # MMEngine makes its handler only as the Runner is built, so all of the class are changed.
    logging.FileHandler.handleError = complain_of_others  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        logging.FileHandler.handleError = complain  # type: ignore[method-assign]
