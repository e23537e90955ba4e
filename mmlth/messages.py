"""How messages put things."""

import os
import sys
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path


def join_names(names: Iterable[str], most: int = 4) -> str:
    """The first names, and how many there are beside.

    Args:
        names: The names.
        most: How many are listed at most.

    Example:
        >>> join_names(['neck', 'head', 'mask'], most=2)
        'neck, head and 1 more'
    """
    listed = list(names)
    more = f' and {len(listed) - most} more' if len(listed) > most else ''
    return ', '.join(listed[:most]) + more


_MOST = 300


_PACKAGE = Path(__file__).parent
_OURS = [str(_PACKAGE.with_name(name)) for name in ('mmlth', 'mmlth_cli', 'mmlth_common')]


def reason(error: BaseException) -> str:
    """What an error says, in one line; where it says nothing, where it was raised.

    That is the error's kind and the first line of its text. A text that is empty or a single word,
    as that of a ``KeyError``, tells no cause: the file and line follow then. They also follow where
    the user's own code raised it. Errors of mmlth are whole sentences and stay as they are.

    Example:
        >>> reason(TypeError('expected a number'))
        'TypeError: expected a number'
    """
    text, kind = _first_line(error), type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    telling = len(text.split()) > 1
    ours = bool(frames) and _is_ours(frames[-1].filename)
    if telling and (ours or type(error).__module__.startswith('mmlth.')):
        return text
    words = f'{kind}: {text}' if text else f'{kind} without a text'
    if telling and frames and _is_installed(frames[-1].filename):
        return words
    return words + _place(frames)


def is_third_party(file: str) -> bool:
    """Whether a file is of another package, rather than of mmlth or the user's own."""
    return _is_installed(file) and not _is_ours(file)


def _first_line(error: BaseException) -> str:
    # A KeyError quotes its text, with line breaks written as \n.
    plain = isinstance(error, KeyError) and len(error.args) == 1 and isinstance(error.args[0], str)
    whole = error.args[0] if plain and len(error.args[0].split()) > 1 else str(error)
    lines = [line.strip() for line in whole.splitlines() if line.strip()] or ['']
    text = ' '.join(lines[:2]) if lines[0].endswith(':') else lines[0]
    return text if len(text) <= _MOST else f'{text[:_MOST]}…'


def _place(frames: traceback.StackSummary) -> str:
    """Where it was raised, and which line of the user's own code led there."""
    real = [frame for frame in frames if not frame.filename.startswith('<')]
    if not real:
        return ''
    own = [frame for frame in real[:-1] if not _is_installed(frame.filename)]
    last, by = real[-1], own[-1:] if _is_installed(real[-1].filename) else []
    called = ''.join(f', called by {_short(f.filename)}, line {f.lineno}' for f in by)
    return f' ({_short(last.filename)}, line {last.lineno}{called})'


def _is_installed(file: str) -> bool:
    """Whether a file is of a package, of Python or of mmlth rather than the user's own."""
    if file.startswith('<') or {'site-packages', 'dist-packages'} & set(Path(file).parts):
        return True
    return _is_ours(file) or _is_below(file, sysconfig.get_path('stdlib'))


def _is_ours(file: str) -> bool:
    return any(_is_below(file, folder) for folder in _OURS)


def _is_below(file: str, folder: str) -> bool:
    return os.path.abspath(file).startswith(f'{folder}{os.sep}')


def _short(file: str) -> str:
    """A file as it is imported, without the folders above, which are of one machine only."""
    if not file:
        return 'a config'  # MMEngine runs its lines without a name
    path = os.path.abspath(file)
    roots = [root for root in map(os.path.abspath, sys.path) if _is_below(path, root)]
    return os.path.relpath(path, max(roots, key=len)) if roots else os.path.basename(path)
