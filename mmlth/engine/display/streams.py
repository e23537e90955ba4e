"""Streams in place of the standard ones."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO, cast


class _Stream:
    """Has all that another stream has.

    Args:
        stream: The other stream.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _Forgiving(_Stream):
    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            try:
                self.stream.write(text)
            except UnicodeEncodeError:
                encoding = self.stream.encoding
                self.stream.write(text.encode(encoding, 'replace').decode(encoding))
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self.stream.flush()


class _Diverted(_Stream):
    def __init__(self, stream: TextIO, take: Callable[[str], None]) -> None:
        super().__init__(stream)
        self.take: Callable[[str], None] | None = take
        self._begun = ''

    def write(self, text: str) -> int:
        if self.take is None:
            return self.stream.write(text)
        *lines, rest = (self._begun + text).split('\n')
        self._begun = _visible(rest)
        for line in map(_visible, lines):
            if line.strip():
                self.take(line)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)


def forgiving(stream: TextIO) -> TextIO:
    """A stream that fails nowhere: its terminal may have been closed, or lack a letter."""
    return cast(TextIO, _Forgiving(stream))


@contextlib.contextmanager
def diverted(stream: TextIO, take: Callable[[str], None]) -> Iterator[TextIO]:
    """A stream whose lines go elsewhere within.

    Whoever keeps it, as the handler of a logger does, writes to the stream itself afterwards.

    Args:
        stream: The stream.
        take: Gets each line, but for empty ones.
    """
    lines = _Diverted(stream, take)
    try:
        yield cast(TextIO, lines)
    finally:
        lines.write('\n')  # a line that is not ended
        lines.take = None


def _visible(line: str) -> str:
    """What is left of a line that overwrites itself, as a progress bar does."""
    return line.rstrip('\r').rpartition('\r')[2]
