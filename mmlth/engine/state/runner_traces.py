"""What MMEngine writes into work_dir while a Runner is built, and how that is taken back.

Whether a search is accepted shows only once its Runner is there, since the model decides as well,
and by then MMEngine has made a folder for logs and written the config. A run that is refused leaves
work_dir as it was. Of one that was accepted and fails the log stays, since it may tell why.
"""

import contextlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.logging import MessageHub, MMLogger
from mmengine.runner import Runner
from mmengine.visualization import Visualizer

from mmlth.ticket import write_bytes

_TIMED = re.compile(r'\d{8}_\d{6}(\.py)?')
"""Names that MMEngine makes of the time: of the folder of logs, and of a config without a name."""

_FOUND_BY_NAME: tuple[Any, ...] = (MMLogger, Visualizer, MessageHub)


class RunnerTraces:
    """Knows a folder as it was before a Runner was built for it.

    Args:
        work_dir: The folder that the Runner is about to be built for.
        config: The file of its config, if it has one; MMEngine copies it.
    """

    def __init__(self, work_dir: Path, config: str | None = None) -> None:
        self._work_dir = work_dir.absolute()
        above = [self._work_dir, *self._work_dir.parents]
        self._new_folders = [folder for folder in above if not folder.exists()]
        self._before = set() if self._new_folders else set(os.listdir(self._work_dir))
        self._copy = self._work_dir / Path(config).name if config else None
        self._overwritten = _read(self._copy) if self._copy else None
        self._named = {kind: set(kind._instance_dict) for kind in _FOUND_BY_NAME}
        self._kept: Callable[[BaseException], bool] = lambda error: False

    def keep(self, after: Callable[[BaseException], bool] = lambda error: True) -> None:
        """The run is accepted: what is written stays.

        Args:
            after: Whether it stays after an error; by default after any.
        """
        self._kept = after

    @contextlib.contextmanager
    def taken_back_on_failure(self, runner: Runner | None = None) -> Iterator[None]:
        """Takes back what was written if an error ends what is within before the run is accepted.

        Args:
            runner: The Runner, once it is built.
        """
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:
            if not self._kept(error):
                self._forget()
                if is_main_process():
                    self._take_back(runner)
            raise

    def _forget(self) -> None:
        """Closes what writes to the folder, and lets no later Runner of that name use it again."""
        for kind, before in self._named.items():
            for name in [name for name in kind._instance_dict if name not in before]:
                instance: Any = kind._instance_dict.pop(name)
                if isinstance(instance, Visualizer):
                    with contextlib.suppress(Exception):  # a back end's, lest it hide the cause
                        instance.close()
                for handler in list(getattr(instance, 'handlers', ())):
                    if isinstance(handler, logging.FileHandler):
                        handler.close()
                        instance.removeHandler(handler)

    def _take_back(self, runner: Runner | None) -> None:
        own = {Path(runner.log_dir).name, f'{runner.timestamp}.py'} if runner is not None else None
        for name in os.listdir(self._work_dir) if self._work_dir.is_dir() else ():
            if name not in self._before and _TIMED.fullmatch(name) and name in (own or {name}):
                path = self._work_dir / name
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
        if self._copy is not None and self._overwritten is None:
            self._copy.unlink(missing_ok=True)
        elif self._copy is not None and self._overwritten is not None:
            _put_back(self._copy, *self._overwritten)
        for folder in self._new_folders:
            with contextlib.suppress(OSError):  # something else was put there
                folder.rmdir()


def _read(path: Path) -> tuple[bytes, os.stat_result] | None:
    return (path.read_bytes(), path.stat()) if path.is_file() else None


def _put_back(path: Path, content: bytes, status: os.stat_result) -> None:
    if path.is_file() and path.stat().st_mtime_ns == status.st_mtime_ns:
        return  # the Runner did not come as far
    write_bytes(path, content)
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
