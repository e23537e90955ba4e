"""Files that are either whole or not there."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

_TEMPORARY = re.compile(r'\..+(\.\w+)\.[a-z0-9_]{8}\1|\..+\.[a-z0-9_]{8}\.tmp')
"""What `tempfile.mkstemp` makes of a name, as `atomic_path` calls it."""


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside ``path`` to write; it replaces ``path`` on success.

    On any error, a full disk included, the temporary file is removed and an earlier ``path``
    stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(
        prefix=f'.{path.name}.', suffix=path.suffix or '.tmp', dir=path.parent
    )
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        _fsync(temporary)
        # mkstemp makes files that only their owner can read; those of a search are shared.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _fsync(path.parent)  # so that the rename survives a power cut


def leftovers(folder: Path) -> Iterator[Path]:
    """Yields the temporary files in a folder that killed processes left behind."""
    return (path for path in folder.glob('.*') if _TEMPORARY.fullmatch(path.name))


def write_bytes(path: str | Path, data: bytes) -> None:
    """Writes a file that is whole or not there; see `atomic_path`.

    Args:
        path: The file; an earlier one is replaced.
        data: All that it is to hold.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
