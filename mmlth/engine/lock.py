"""One search a folder: a second process that is started there by mistake is refused."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mmengine.dist import is_main_process

from mmlth.engine.errors import ANOTHER_WORK_DIR, LotteryError

_TAKEN = (errno.EACCES, errno.EAGAIN)


@contextlib.contextmanager
def only_search_in(work_dir: Path) -> Iterator[None]:
    """Holds a lock on a folder; the system lets it go when the process ends, however it ends.

    Where the file system knows no locks there is none.

    Raises:
        LotteryError: If another process holds it.
    """
    if not is_main_process():
        yield
        return
    work_dir.mkdir(parents=True, exist_ok=True)
    path = work_dir / '.lock'
    with _locked(path):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _locked(path: Path) -> IO[str]:
    """The file, open and locked; closing it lets go.

    Not by flock, whose locks are inherited: workers of data loaders outlive a killed process.
    """
    while True:
        file = path.open('w')
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _TAKEN:
                return file
            file.close()
            raise LotteryError(
                f'another process runs a search in {path.parent}; wait for it, or give '
                f'{ANOTHER_WORK_DIR}'
            ) from error
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()  # it was deleted by the search that held it before
