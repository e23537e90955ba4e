"""Which display a search has, and for how long."""

import contextlib
import functools
import sys
from collections.abc import Iterator

from mmengine.dist import is_main_process

from mmlth.engine.display.display import Display, LineDisplay
from mmlth.engine.display.live_display import LiveDisplay, Terminal
from mmlth.engine.display.silence import only_in_log
from mmlth.engine.display.streams import diverted, forgiving


@contextlib.contextmanager
def showing(asked: bool) -> Iterator[Display]:
    """Shows a search on the terminal, and nothing else; what ends it restores the terminal.

    Args:
        asked: Whether ``lottery.progress`` is set; else all is as MMEngine has it.

    Yields:
        The display: a picture on a terminal, lines where there is none, nothing in all processes
        but the first.
    """
    if not asked:
        yield Display()
        return
    if not is_main_process():
        with only_in_log():
            yield Display()
        return
    output = forgiving(sys.stdout)
    console = Terminal(file=output)
    # Where FORCE_COLOR is set rich takes a file for a terminal.
    if not (output.isatty() and console.is_interactive):
        lines = LineDisplay(output)
        with only_in_log(lines.line):
            yield lines
        return
    picture = LiveDisplay(console)
    warn = functools.partial(picture.line, style='yellow')
    with picture.drawing(), only_in_log(warn), _errors_above(picture):
        yield picture


@contextlib.contextmanager
def _errors_above(picture: LiveDisplay) -> Iterator[None]:
    """What is written to the standard error would else be drawn over, if it is the terminal."""
    if not sys.stderr.isatty():
        yield
        return
    with diverted(sys.stderr, picture.line) as errors, contextlib.redirect_stderr(errors):
        yield
