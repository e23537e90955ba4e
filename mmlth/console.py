"""Where commands print their tables."""

import sys

from rich.console import Console

_LOG_WIDTH = 160
"""Columns of what goes into a file or a pipe, where tables are not to be folded."""


def output_console() -> Console:
    """The standard output: as wide as the terminal, or wide enough for a log."""
    return Console(width=None if sys.stdout.isatty() else _LOG_WIDTH)
