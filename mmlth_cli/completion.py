"""Tab completion, by argcomplete where it is installed.

A shell that completes runs the command with ``_ARGCOMPLETE`` in its environment. Only then is
argcomplete imported, so that no other start of mmlth waits for it.
"""

import argparse
import importlib.util
import os
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from mmlth_common.configs import config_files, configs_folder


def complete(parser: argparse.ArgumentParser) -> None:
    """Answers a shell that completes, and ends the process; does nothing otherwise."""
    if '_ARGCOMPLETE' in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser, always_complete_options=False)


def completed_by(action: argparse.Action, completer: Callable[..., Iterable[str]]) -> None:
    """Says what an argument may be.

    Args:
        action: The argument, as ``add_argument`` returns it.
        completer: Called with ``prefix``, what has been typed of it, and ``parsed_args``, what has
            been read of the command line before it.
    """
    action.completer = completer  # type: ignore[attr-defined]


def configs_to_read(prefix: str, **_: Any) -> Iterable[str]:
    """Config files, or after ``mmdet::`` those of a zoo, folder by folder.

    Args:
        prefix: What has been typed.
    """
    package, colons, relative = prefix.partition('::')
    if not colons:
        return _files(prefix, 'py', 'json', 'yaml')
    folder = _zoo(package)
    inside = relative.rpartition('/')[0]
    if folder is None or not (folder / inside).is_dir():
        return []
    start = f'{package}::{inside}/' if inside else f'{package}::'
    return [
        start + path.name + ('/' if path.is_dir() else '')
        for path in sorted((folder / inside).iterdir())
        if path.is_dir() or path.suffix == '.py'
    ]


def configs_to_copy(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> Iterable[str]:
    """The words of ``mmlth configs copy NAME DEST``.

    Args:
        prefix: What has been typed of the last one.
        parsed_args: What has been read of the command line before it.
    """
    words = parsed_args.words or []
    if not words:
        return ['copy']
    if words == ['copy']:
        return sorted(PurePosixPath(file).stem for file in config_files())
    return _files(prefix)


def _files(prefix: str, *suffixes: str) -> list[str]:
    from argcomplete.completers import FilesCompleter

    return list(FilesCompleter(suffixes)(prefix))


def _zoo(package: str) -> Path | None:
    """The configs of a package, found without importing it."""
    if package == 'mmlth':
        return configs_folder()
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0], '.mim', 'configs') if places else None
