"""A report as Markdown, its plots and images in files beside it."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from mmlth.report.page.section import Code, CsvFile, Details, Figure, Images, Part, Section
from mmlth.report.page.table_cells import cells


def markdown(title: str, sections: Sequence[Section]) -> str:
    """Writes a report.

    Args:
        title: What the report is of.
        sections: The sections from the top to the bottom.
    """
    blocks = [f'# {title}']
    for section in sections:
        blocks.append(f'## {section.title}')
        for part in section.parts:
            blocks.extend(_blocks(part))
    return '\n\n'.join(blocks) + '\n'


def _blocks(part: Part) -> Iterator[str]:
    match part:
        case str():
            yield part
        case Table():
            yield table(part)
        case Figure():
            yield f'![{part.alternative}]({part.name}.png)'
            yield part.caption
        case Images():
            for image in part.images:
                yield f'![{image.alternative}]({image.name}.jpg)'
                yield image.caption
        case Code():
            yield f'```\n{part.text}\n```'
        case CsvFile():
            yield f'All numbers: [{part.name}]({part.name})'
        case Details():
            yield f'{part.summary}:'
            yield from _blocks(part.part)


def table(of: Table) -> str:
    """Writes a table; what stands below it is a paragraph of its own."""
    contents = cells(of)
    ruler = ['---:' if number else '---' for number in contents.numbers]
    rows = [contents.header, ruler, *(row for group in contents.groups for row in group)]
    lines = [f'| {" | ".join(map(_cell, row))} |' for row in rows]
    return '\n'.join([*lines, '', contents.caption] if contents.caption else lines)


def _cell(text: str) -> str:
    return text.replace('|', r'\|').replace('*', r'\*').replace('\n', '<br>')
