"""One search or training a folder: a second one that is started there by mistake is refused."""

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
_ADVICE = f'wait for it, or give {ANOTHER_WORK_DIR}'

_held: dict[tuple[int, int], object] = {}
"""Who holds a folder of this process, by what the file system knows the folder by.

The system's locks are a process's: another thread would get the lock too, and by closing the file
take it from the first.
"""
os.register_at_fork(after_in_child=_held.clear)  # locks are not inherited


@contextlib.contextmanager
def only_training_in(work_dir: Path) -> Iterator[None]:
    """Holds a lock on a folder; the system lets it go when the process ends, however it ends.

    Where the file system knows no locks, only those of this process are refused.

    Raises:
        LotteryError: If another process holds it, or this one already does.
    """
    if not is_main_process():
        yield
        return
    work_dir.mkdir(parents=True, exist_ok=True)
    path, process = work_dir / '.lock', os.getpid()
    with _held_once(work_dir), _locked(path):
        try:
            yield
        finally:
            if os.getpid() == process:  # rather than a copy of it by fork
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def _held_once(work_dir: Path) -> Iterator[None]:
    status, own = work_dir.stat(), object()
    folder = (status.st_dev, status.st_ino)
    if _held.setdefault(folder, own) is not own:  # one step, which no thread can come between
        raise LotteryError(
            f'this process trains in {work_dir} already, in another thread or around this '
            f'call; {_ADVICE}'
        )
    try:
        yield
    finally:
        _held.pop(folder, None)


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
            raise LotteryError(f'another process trains in {path.parent}; {_ADVICE}') from error
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
        file.close()  # it was deleted by the search that held it before
