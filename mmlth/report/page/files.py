"""The files of a report: a page, Markdown, and each plot and image by itself."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmlth.report.page.html import html
from mmlth.report.page.markdown import markdown
from mmlth.report.page.places import without_places
from mmlth.report.page.section import CsvFile, Details, Figure, Images, Part, Section
from mmlth.ticket import write_bytes

_LINK = re.compile(r'\]\(([^()/]+)\)')


def write_page(title: str, sections: Sequence[Section], folder: Path) -> Path:
    """Writes ``report.html``, ``report.md``, their plots as PNG and SVG, and CSVs.

    Args:
        title: What the report is of.
        sections: The sections from the top to the bottom.
        folder: Where to write. Files of the page that was there before go, if this one lacks them.

    Returns:
        The path of the page.
    """
    before = _files(folder)
    sections = [_without_places(section) for section in sections]
    parts = [part for section in sections for part in section.parts]
    plots = {}
    for part in _flat(parts):
        if isinstance(part, Figure):
            part.draw(folder / f'{part.name}.png')
            part.draw(folder / f'{part.name}.svg')
            plots[part.name] = (folder / f'{part.name}.svg').read_bytes()
        elif isinstance(part, CsvFile):
            part.write(folder / part.name)
        elif isinstance(part, Images):
            for image in part.images:
                write_bytes(folder / f'{image.name}.jpg', image.jpeg)
    write_bytes(folder / 'report.md', markdown(title, sections).encode())
    page = folder / 'report.html'
    write_bytes(page, html(title, sections, plots).encode())
    for path in before - _files(folder):
        path.unlink(missing_ok=True)
    return page


def _without_places(section: Section) -> Section:
    """Sentences that repeat an error may name files."""
    parts = (without_places(p) if isinstance(p, str) else p for p in section.parts)
    return Section(section.title, tuple(parts))


def _files(folder: Path) -> set[Path]:
    """The files that a page has beside it, which its Markdown links to."""
    page = folder / 'report.md'
    if not page.exists():
        return set()
    linked = {folder / name for name in _LINK.findall(page.read_text(encoding='utf-8'))}
    return linked | {path.with_suffix('.svg') for path in linked if path.suffix == '.png'}


def _flat(parts: Sequence[Part]) -> Iterator[Part]:
    for part in parts:
        yield from _flat([part.part]) if isinstance(part, Details) else [part]
