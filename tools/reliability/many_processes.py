"""Searches by two processes, one of which is killed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from outcomes import Outcome
from searches import ROOT, Bench, Search, broken_files, differing, search_arguments, tickets

_SOON = 60.0
"""Seconds within which the job must end once a process is dead."""


def dead_ranks(bench: Bench, count: int) -> Iterator[Outcome]:
    """Kills one of the two processes of a search and lets it continue."""
    undisturbed = bench.new_search()
    started = time.monotonic()
    _end(_start(undisturbed), undisturbed)
    seconds = time.monotonic() - started
    reference = tickets(undisturbed.work_dir)
    bench.tell(f'two processes, undisturbed: {seconds:.0f} s, {len(reference)} tickets')
    for number in range(count):
        search, rank = bench.new_search(), number % 2
        job = _start(search)
        _wait_for(search.work_dir / 'search.json', job)
        time.sleep(bench.random.uniform(0, 0.5 * seconds))
        point = f'rank {rank} after {len(tickets(search.work_dir))} rounds'
        os.kill(_ranks(job)[rank], signal.SIGKILL)
        killed = time.monotonic()
        code = _end(job, search)
        took = time.monotonic() - killed
        broken = broken_files(search.work_dir)
        if took > _SOON or code == 0:
            broken.append(f'exit {code} after {took:.0f} s')
        _end(_start(search), search)
        lost = differing(reference, tickets(search.work_dir))
        bench.tell(f'{point}: the job ended after {took:.0f} s, exit {code}; {lost} tickets differ')
        ended = f'exit {code}' if took <= _SOON else 'a hang'
        yield Outcome('one of two processes killed', point, ended, broken, lost)


def _start(search: Search) -> subprocess.Popen[bytes]:
    config, *arguments = search_arguments(search.data, search.work_dir)
    with socket.socket() as free, search.log.open('ab') as log:
        free.bind(('127.0.0.1', 0))
        environment = {**os.environ, 'PYTHON': sys.executable, 'PORT': str(free.getsockname()[1])}
        free.close()
        return subprocess.Popen(  # noqa: S603
            [str(ROOT / 'tools/dist_train.sh'), config, '2', *arguments],
            env=environment,
            stdout=log,
            stderr=log,
        )


def _end(job: subprocess.Popen[bytes], search: Search) -> int:
    try:
        return job.wait(600)
    except subprocess.TimeoutExpired:
        for rank in _ranks(job):
            os.kill(rank, signal.SIGKILL)
        job.kill()
        raise RuntimeError(f'a job of two processes hangs; see {search.log}') from None


def _ranks(job: subprocess.Popen[bytes]) -> list[int]:
    """The processes that a launcher has started, in the order of their ranks."""
    children = []
    for status in Path('/proc').glob('[0-9]*/stat'):
        with contextlib.suppress(OSError):
            parent = status.read_text().rpartition(')')[2].split()[1]
            children += [int(status.parent.name)] * (int(parent) == job.pid)
    return sorted(children)


def _wait_for(path: Path, job: subprocess.Popen[bytes]) -> None:
    while job.poll() is None and not path.exists():
        time.sleep(0.1)
