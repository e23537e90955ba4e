"""Pages are passed on, so they do not tell where things lie on the machine that wrote them."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

_WITHIN = r'[^\s\'"<>|:;,()/]+'
_ABSOLUTE = re.compile(rf'(?<![\w.:/…])/(?:{_WITHIN}/)+({_WITHIN})?')


def shown(path: str | Path) -> str:
    """A path as a page shows it: from the current folder, or its last part where it is elsewhere.

    Args:
        path: The path of a file or folder; what is a URL stays one.
    """
    text = str(path)
    if '://' in text:
        return text
    absolute = Path(os.path.abspath(os.path.expanduser(text)))
    here = Path.cwd()
    if absolute != here and absolute.is_relative_to(here):
        return str(absolute.relative_to(here))
    return absolute.name


def without_places(text: str, work_dirs: Iterable[Path] = ()) -> str:
    """A message with absolute paths shortened as in `shown`.

    Args:
        text: The message, such as that of an error.
        work_dirs: The searches that it is about; paths below them are shown from there.
    """
    for folder in work_dirs:
        text = text.replace(f'{os.path.abspath(folder)}/', f'{shown(folder)}/')
    text = text.replace(f'{Path.cwd()}/', '')
    return _ABSOLUTE.sub(lambda match: f'…/{match[1] or ""}', text)
