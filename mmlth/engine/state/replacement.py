"""A search that another one replaces: set aside until the new one has begun, so that none is lost.

The new one has begun when it has its own search.json, which is after its first iteration.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from mmengine.dist import barrier, is_main_process

from mmlth.engine.state.paths import SearchPaths


@contextlib.contextmanager
def settling_replaced(paths: SearchPaths) -> Iterator[None]:
    """Settles what is set aside at the end, and before, since a process may have been killed.

    Args:
        paths: The files of both searches.
    """
    if is_main_process():
        settle_replaced(paths)
    barrier()
    try:
        yield
    finally:
        if is_main_process():
            settle_replaced(paths)


def set_search_aside(paths: SearchPaths) -> None:
    """Makes room for a new search; search.json goes first, so that no half of the old one stays.

    Args:
        paths: The files of both searches. The old one is in ``paths.replaced``
            until the new one has begun.
    """
    paths.replaced.mkdir(exist_ok=True)
    for path in _own_files(paths, paths.work_dir):
        path.rename(paths.replaced / path.name)


def put_search_back(paths: SearchPaths) -> None:
    """Undoes `set_search_aside`, whatever the new search has left; search.json comes last.

    Args:
        paths: The files of both searches.
    """
    for path in reversed(_own_files(paths, paths.replaced)):
        there = paths.work_dir / path.name
        shutil.rmtree(there) if there.is_dir() else there.unlink(missing_ok=True)
        path.rename(there)
    paths.replaced.rmdir()


def settle_replaced(paths: SearchPaths) -> None:
    """Deletes the search that another one has replaced, or puts it back if that never began.

    Args:
        paths: The files of both searches.
    """
    if paths.state.exists():
        shutil.rmtree(paths.replaced, ignore_errors=True)
    elif paths.replaced.exists():
        put_search_back(paths)


def _own_files(paths: SearchPaths, folder: Path) -> list[Path]:
    """What a search writes, as far as it is in a folder; search.json first."""
    files = [paths.state] if paths.parent_search else [paths.state, paths.rewind]
    named = [folder / path.name for path in (*files, paths.report, paths.tickets)]
    rounds = sorted(folder.glob('round_[0-9][0-9]*'))
    return [path for path in (*named, *rounds) if path.exists()]
