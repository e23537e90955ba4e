"""A full disk is told in one line, whatever MMEngine or torch made of it."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from mmlth.engine.errors import LotteryError


@contextlib.contextmanager
def explaining_full_disks(work_dir: Path) -> Iterator[None]:
    """Turns errors of a full disk into one line; other errors pass.

    Raises:
        LotteryError: If the disk is full, or the user's share of it.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if not _is_full(error):
            raise
        raise LotteryError(
            f'the disk that holds {work_dir} is full ({error}); what was there before is intact: '
            'free some room, then continue with --resume'
        ) from error


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return 'No space left' in str(error)
