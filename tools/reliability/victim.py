#!/usr/bin/env python
"""Runs ``mmlth train`` in this process, which dies where it is told to."""

import argparse
import json
import os
import re
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mmengine.config.config
import yapf.yapflib.yapf_api

from mmlth_cli.main import main as mmlth

# The operations that Python reports before it makes them; os.replace is an os.rename, Path.unlink
# an os.remove, and shutil.rmtree and tempfile.mkstemp are made of these.
_CHANGES = ('os.rename', 'os.remove', 'os.mkdir', 'os.rmdir', 'os.truncate', 'os.link')
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    options = parse_options(argv)
    work_dir = options.arguments[options.arguments.index('--work-dir') + 1]
    # Configs are formatted for whoever reads them, which takes four fifths of so small a search.
    for module in (mmengine.config.config, yapf.yapflib.yapf_api):
        module.FormatCode = lambda text, **style: (text, True)
    watch = Watch(work_dir, options)
    sys.addaudithook(watch)
    try:
        return mmlth(['train', *options.arguments])
    finally:
        if options.list_events:
            options.list_events.write_text(json.dumps(watch.seen, indent=1))


class Watch:
    """An audit hook that sees each change of a file below a folder, just before it is made.

    Args:
        folder: The folder.
        options: What happens then; see `parse_options`.
    """

    def __init__(self, folder: str, options: argparse.Namespace) -> None:
        self.folder = os.path.abspath(folder) + os.sep
        self.matching = re.compile(options.matching)
        self.last_event = options.die_at_event
        self.last_byte = options.die_at_byte
        self.seen: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Called by Python with what it is about to do."""
        path = changed_file(event, arguments)
        if path is None or not path.startswith(self.folder):
            return
        change = f'{event} {path.removeprefix(self.folder)}'
        matches = bool(self.matching.search(change))
        if matches:
            self.seen.append(change)
            if len(self.seen) == self.last_event:
                print(f'victim: killed just before {change}', file=sys.stderr, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
        if self.last_byte is not None and event == 'open':
            limit_file_size(self.last_byte if matches else resource.RLIM_INFINITY)


def changed_file(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The path that an operation is going to change, if it changes one."""
    if event == 'open':
        path, mode, flags = arguments
        writes = set(mode) & set('wax+') if isinstance(mode, str) else flags & _WRITING
        if not writes or isinstance(path, int):
            return None
    elif event in _CHANGES:
        path = arguments[0]
    else:
        return None
    name = os.fsdecode(path)
    folder = arguments[-1] if event in ('os.remove', 'os.rmdir', 'os.mkdir') else -1
    if isinstance(folder, int) and folder >= 0:  # shutil.rmtree names files by their folder
        name = os.path.join(os.readlink(f'/proc/self/fd/{folder}'), name)
    return os.path.abspath(name)


def limit_file_size(count: int) -> None:
    """Makes the system kill this process in the middle of the write that passes byte ``count``."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, resource.RLIM_INFINITY))


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        description='Runs "mmlth train ARGUMENTS" and dies where it is told to.'
    )
    parser.add_argument(
        '--die-at-event',
        type=int,
        metavar='N',
        help='just before the N-th operation that changes a file below the work_dir, by SIGKILL',
    )
    parser.add_argument(
        '--die-at-byte',
        type=int,
        metavar='N',
        help='in the middle of the write that would take a file past N bytes, by SIGXFSZ; a file '
        'that matches',
    )
    parser.add_argument(
        '--matching',
        default='',
        metavar='PATTERN',
        help='only operations such as "os.rename round_01/.iter_2.pth.…" count',
    )
    parser.add_argument(
        '--list-events', type=Path, metavar='FILE', help='write down the operations that count'
    )
    parser.add_argument('arguments', nargs=argparse.REMAINDER, help='-- and those of mmlth train')
    options = parser.parse_args(argv)
    options.arguments = options.arguments[int(options.arguments[:1] == ['--']) :]
    if '--work-dir' not in options.arguments:
        parser.error('give a --work-dir, below which files are watched')
    return options


if __name__ == '__main__':
    sys.exit(main())
