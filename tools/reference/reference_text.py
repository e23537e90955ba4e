"""Parts of the reference pages that are written by scripts."""

import re
from typing import Any

_VALUE = r"[\w.]+\([^()]*\)|(\w+=)?'[^' ]+'|--[a-z-]+|\w+::[\w/.-]*\w"
"""Calls, quoted words, options and configs, which a text names without marking them."""


def as_row(*cells: str) -> str:
    """A row of a table.

    Args:
        *cells: Their Markdown, in which a bar is no border.
    """
    return f'| {" | ".join(cell.replace("|", chr(92) + "|") for cell in cells)} |'


def as_code(text: str) -> str:
    """The text as code; nothing where it is empty.

    Args:
        text: A plain text.
    """
    return f'`{text}`' if text else ''


def mark_code(text: str) -> str:
    """Sets values in a plain text as code, which a terminal shows as they are.

    Args:
        text: Such as the help of an option.
    """
    parts = re.split(r'(`[^`]*`)', text)
    return ''.join(
        part if part.startswith('`') else re.sub(_VALUE, r'`\g<0>`', part) for part in parts
    )


def shown_default(value: Any) -> str:
    """How a default is shown: a function by its name, and what a call makes anew as a gap.

    Args:
        value: The default of a parameter.
    """
    text = getattr(value, '__name__', None) or repr(value)
    return '...' if text.startswith('<') else text
