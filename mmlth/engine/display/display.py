"""Displays: nothing, or plain lines for what is no terminal."""

import time
from typing import TextIO

from mmlth.engine.display.standing import Standing

SECONDS_BETWEEN_LINES = 30.0


class Display:
    """Shows nothing, as where nobody asked for it, and in all processes but the first."""

    def line(self, text: str, style: str = '') -> None:
        """Says something that stays.

        Args:
            text: The text.
            style: How a terminal shows it, by a name of rich.
        """

    def event(self, text: str) -> None:
        """Says something that `show` tells as well where a picture is drawn."""

    def show(self, standing: Standing) -> None:
        """Shows where the training is; called as often as that changes."""

    def wait(self, text: str) -> None:
        """Says what is done while nothing trains."""


class LineDisplay(Display):
    """Writes plain lines, of which none follows another within 30 s but for an event.

    Args:
        stream: Where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._spoke = time.monotonic()

    def line(self, text: str, style: str = '') -> None:
        """Writes a line with the time of day; a style is none of it."""
        self._spoke = time.monotonic()
        print(f'{time.strftime("%m/%d %H:%M:%S")} {text}', file=self._stream, flush=True)

    def event(self, text: str) -> None:
        """Writes it."""
        self.line(text)

    def show(self, standing: Standing) -> None:
        """Writes it now and then."""
        if time.monotonic() - self._spoke >= SECONDS_BETWEEN_LINES:
            said = (standing.title, standing.place, standing.time_left)
            self.line(', '.join(part for part in said if part))
