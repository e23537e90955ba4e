"""One search a folder: a second process that is started there by mistake is refused."""

import contextlib
import errno
import fcntl
from collections.abc import Iterator
from pathlib import Path

from mmengine.dist import is_main_process

from mmlth.engine.errors import LotteryError

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
    # Not flock, whose locks are inherited: workers of data loaders outlive a killed process.
    path = work_dir / '.lock'
    with path.open('w') as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _TAKEN:
                raise LotteryError(
                    f'another process runs a search in {work_dir}; wait for it, or give another '
                    '--work-dir'
                ) from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
