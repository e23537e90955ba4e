"""What a report is made of; how it looks is up to the page that shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """A plot.

    Attributes:
        name: The name of its files, without suffix.
        caption: What is seen, and how to read it.
        alternative: What it shows, in words, for those who do not see it.
        draw: Writes it to a path that ends in ``.png`` or ``.svg``.
    """

    name: str
    caption: str
    alternative: str
    draw: Callable[[Path], None]


@dataclass(frozen=True)
class Image:
    """An image with what was found in it.

    Attributes:
        name: The name of its file, without suffix.
        caption: What is seen.
        alternative: The same for those who do not see it.
        jpeg: The file's bytes.
    """

    name: str
    caption: str
    alternative: str
    jpeg: bytes


@dataclass(frozen=True)
class Images:
    """Images side by side.

    Attributes:
        images: The images from the left to the right.
    """

    images: tuple[Image, ...]


@dataclass(frozen=True)
class Code:
    """Commands or settings, as they are typed.

    Attributes:
        text: The lines.
    """

    text: str


@dataclass(frozen=True)
class CsvFile:
    """All that tables and plots show, exactly, in a file of its own.

    Attributes:
        name: The name of the file, with ``.csv``.
        write: Writes it to a path.
    """

    name: str
    write: Callable[[Path], None]


@dataclass(frozen=True)
class Details:
    """What only some want to see: it is opened by a click.

    Attributes:
        summary: What there is to see.
        part: The part that is opened.
    """

    summary: str
    part: 'Part'


Part = str | Table | Figure | Images | Code | CsvFile | Details
"""A string is a paragraph of plain text."""


@dataclass(frozen=True)
class Section:
    """A part of the report under a heading.

    Attributes:
        title: The heading.
        parts: The parts from the top to the bottom.
    """

    title: str
    parts: tuple[Part, ...]

    @property
    def anchor(self) -> str:
        """What links to it."""
        return '-'.join(self.title.lower().split())
