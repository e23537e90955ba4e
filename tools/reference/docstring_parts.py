"""Docstrings in Google's style, taken apart."""

import inspect
import re
from dataclasses import dataclass, field
from typing import Any

_TITLES = ('Args', 'Attributes', 'Example', 'Examples', 'Raises', 'Returns', 'Yields')


@dataclass
class Docstring:
    """A docstring.

    Attributes:
        text: What it says at first: paragraphs in Markdown.
        items: By section, such as ``'Args'``, and by name, what it says of each.
        sections: By title, the text of each section.
    """

    text: str
    items: dict[str, dict[str, str]] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)

    @property
    def first_paragraph(self) -> str:
        """Its first paragraph."""
        return self.text.split('\n\n')[0]


def docstring_of(obj: Any) -> Docstring:
    """The docstring of an object.

    Args:
        obj: A function, class, property or module.

    Raises:
        ValueError: If it has none of its own.
    """
    raw = obj.__doc__
    if not raw:
        raise ValueError(f'{obj!r} has no docstring')
    parts = re.split(rf'^({"|".join(_TITLES)}):$', inspect.cleandoc(raw), flags=re.M)
    sections = {
        title: inspect.cleandoc('\n' + text) for title, text in zip(parts[1::2], parts[2::2])
    }
    items = {title: _items(text) for title, text in sections.items()}
    return Docstring(_markdown(parts[0]), items, {k: _markdown(v) for k, v in sections.items()})


def _items(text: str) -> dict[str, str]:
    """``name: what it is``, whose further lines are indented."""
    found = re.findall(r'^(\*{0,2}\w+): ((?:.*\n?)(?:^[ \n].*\n?)*)', text, flags=re.M)
    return {name.lstrip('*'): ' '.join(_markdown(each).split()) for name, each in found}


def _markdown(text: str) -> str:
    """The text with its paragraphs in a line each; blocks that are indented stay as they are."""
    paragraphs = re.split(r'\n\s*\n', text.strip())
    return '\n\n'.join(map(_joined, paragraphs)).replace('``', '`').replace('::\n', ':\n')


def _joined(paragraph: str) -> str:
    if paragraph.startswith(' '):
        return f'```python\n{inspect.cleandoc(paragraph)}\n```'
    as_it_is = paragraph.startswith(('- ', '* ', '>>>'))
    return paragraph if as_it_is else ' '.join(paragraph.split())
