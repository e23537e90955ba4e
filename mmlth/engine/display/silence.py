"""Silence on the terminal: what others log, print and warn of goes to MMEngine's log alone."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from mmengine.logging import MMLogger

from mmlth.engine.display.streams import diverted
from mmlth.messages import is_third_party


@contextlib.contextmanager
def only_in_log(show: Callable[[str], None] | None = None) -> Iterator[None]:
    """Keeps what is logged, printed and warned of within off the terminal.

    MMEngine's loggers go on writing their files, which get what is printed as well. What a user
    can act on is shown in one line: errors, and warnings that are not of another package.

    Args:
        show: Shows such a line; by default it is printed.
    """
    terminal = sys.stdout
    show = show or (lambda text: print(text, file=terminal, flush=True))
    with (
        diverted(terminal, _to_log) as printed,
        contextlib.redirect_stdout(printed),
        _quiet_loggers(show),
        _logged_warnings(),
    ):
        yield


@contextlib.contextmanager
def _quiet_loggers(show: Callable[[str], None]) -> Iterator[None]:
    """Those that are there and those that are made within: each round has one of its own."""
    original = MMLogger.callHandlers

    def call_handlers(self: MMLogger, record: logging.LogRecord) -> None:
        for handler in self.handlers:
            if record.levelno < handler.level:
                continue
            if not _writes_to_terminal(handler):
                handler.handle(record)
            elif _concerns_users(record) and handler.filter(record):
                show(f'{record.levelname.lower()}: {" ".join(record.getMessage().split())}')

    MMLogger.callHandlers = call_handlers
    try:
        yield
    finally:
        MMLogger.callHandlers = original


def _writes_to_terminal(handler: logging.Handler) -> bool:
    stream = isinstance(handler, logging.StreamHandler)
    return stream and not isinstance(handler, logging.FileHandler)


def _concerns_users(record: logging.LogRecord) -> bool:
    if record.levelno >= logging.ERROR:
        return True
    return record.levelno >= logging.WARNING and not is_third_party(record.pathname)


@contextlib.contextmanager
def _logged_warnings() -> Iterator[None]:
    """Python's own, of which those that a user could act on cannot be told."""
    original = warnings.showwarning

    def log(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        _to_log(f'{category.__name__}: {message}')

    warnings.showwarning = log
    try:
        yield
    finally:
        warnings.showwarning = original


def _to_log(text: str) -> None:
    """Adds to the log of the newest Runner; before there is one the text is lost."""
    if MMLogger._instance_dict:
        MMLogger.get_current_instance().info(text)
