"""Disks that fill up while a search writes."""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from outcomes import Outcome
from searches import Bench, Run, Search, broken_files

_ENOUGH = 1 << 30


def full_disks(bench: Bench, shares: Sequence[float]) -> Iterator[Outcome]:
    """Lets a search run into full disks, ever larger ones, until it is finished.

    Args:
        bench: Makes the search.
        shares: Sizes of the disks, of what an undisturbed search writes.
    """
    needed = sum(bench.sizes.values())
    sizes = sorted(round(share * needed) for share in shares)
    with small_disk(bench.folder / 'disk', sizes[0]) as disk:
        search, outcomes = bench.new_search(disk), []
        for size in sizes:
            resize(disk, size)
            run = search.start()
            code = run.end()
            if code == 0:  # it all fits
                break
            wrong = complaints(search, run, code)
            outcomes.append(Outcome('full disk', f'{size / 1e6:.1f} MB', f'exit {code}', wrong))
            bench.tell(f'disk of {size / 1e6:.1f} MB full: exit {code} {wrong or ""}')
        resize(disk, _ENOUGH)
        search.start().end()
        differing = bench.close(search)
        bench.tell(f'finished with more room: {differing} tickets differ')
    for outcome in outcomes:
        outcome.differing = differing
        yield outcome


def complaints(search: Search, run: Run, code: int) -> list[str]:
    """What is wrong with how a search ended on a full disk, and with what it left."""
    lines = run.text().splitlines()
    told = [line for line in lines if line.startswith('mmlth: ') and 'is full' in line]
    problems = broken_files(search.work_dir)
    problems += [f'{path} was left' for path in search.work_dir.rglob('.*') if path.is_file()]
    if code != 1 or len(told) != 1 or '--resume' not in told[0]:
        problems.append(f'exit {code}, said: {lines[-1:]}')
    if any(line.startswith('Traceback') for line in lines):
        problems.append('a traceback')
    return problems


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of ``size`` bytes, in memory, while it is entered.

    Raises:
        PermissionError: If this user may mount none.
    """
    folder.mkdir()
    if os.geteuid() != 0 or _mount(f'size={size}', '-t', 'tmpfs', 'tmpfs', str(folder)):
        raise PermissionError(
            'only root can mount a small file system; `unshare --user --map-root-user --mount` '
            'makes one of you where the system allows it'
        )
    try:
        yield folder
    finally:
        subprocess.run(['umount', str(folder)], check=True)  # noqa: S603, S607


def resize(disk: Path, size: int) -> None:
    """Gives a small disk another size."""
    if _mount(f'remount,size={size}', str(disk)):
        raise OSError(f'{disk} cannot be made {size} bytes large')


def _mount(options: str, *arguments: str) -> int:
    command = ['mount', '-o', options, *arguments]
    return subprocess.run(command, capture_output=True).returncode  # noqa: S603
