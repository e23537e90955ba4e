"""What the scripts in ``tools/dataset_converters`` share: their command line and its errors."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def conversion_command(
    name: str,
    description: str,
    source: str,
    convert: Callable[[Path, Path], None],
    argv: Sequence[str] | None,
) -> int:
    """Runs a converter's command line; bad input ends in one line.

    Args:
        name: The name of the set.
        description: The text that ``--help`` shows.
        source: Address of the public repository that holds the source.
        convert: Makes the set from a checkout of the source (first) in a folder (second).
        argv: The arguments; None for the process's own.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('source', metavar='SOURCE', type=Path, help=f'a checkout of {source}')
    parser.add_argument('out', metavar='OUT', type=Path, help='the folder to make')
    options = parser.parse_args(argv)
    try:
        convert(options.source, options.out)
    except (ValueError, OSError) as error:
        print(f'{name}: {error}', file=sys.stderr)
        return 1
    return 0


def missing(path: Path, source: str) -> FileNotFoundError:
    """Returns the error about a file that is missing.

    Args:
        path: The file.
        source: What repository has it.
    """
    return FileNotFoundError(f'{path} is missing; SOURCE must be a checkout of {source}')
