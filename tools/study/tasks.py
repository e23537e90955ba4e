"""A study as tasks: what each waits for, which are done, and how several run at a time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from numbers_kept import finished, keep
from rich.console import Console

LOG = 'study.log'
"""In a task's folder: what its process printed."""
AGAIN = 75
"""The exit code of a study that is not complete: run it again, as a search says."""
console = Console(width=100 if not sys.stdout.isatty() else None, highlight=False)


@dataclass(frozen=True)
class Task:
    """A search, a branch or a training.

    Args:
        name: What is told of it.
        work_dir: Its folder.
        command: The arguments of Python that run it.
        after: The folders of the tasks whose files it reads.
        numbers: Where its numbers are kept when it is done.
    """

    name: str
    work_dir: Path
    command: tuple[str, ...]
    after: tuple[Path, ...] = ()
    numbers: Path | None = None

    @property
    def done(self) -> bool:
        """Whether it is, here or where its numbers are from."""
        return finished(self.work_dir) or (self.numbers is not None and finished(self.numbers))

    @property
    def ready(self) -> bool:
        """Whether what it waits for is done, and at hand."""
        return all(map(finished, self.after))


def left_of(tasks: Sequence[Task]) -> list[Task]:
    """What is to be run: what is not done, and what that needs the files of."""
    left = {task.work_dir for task in tasks if not task.done}
    while more := {
        folder
        for task in tasks
        if task.work_dir in left
        for folder in task.after
        if folder not in left and not finished(folder)
    }:
        left |= more
    return [task for task in tasks if task.work_dir in left]


def run(tasks: Sequence[Task], jobs: int, minutes: float | None) -> bool:
    """Runs what is left, ``jobs`` at a time; returns whether nothing failed and all is done."""
    for task in tasks:
        _keep(task)  # of a study that was killed before it did
    end = time.monotonic() + (float('inf') if minutes is None else 60 * minutes)
    running: dict[Task, subprocess.Popen[bytes]] = {}
    failed: set[str] = set()
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while True:
        for task, process in list(running.items()):
            if process.poll() is not None:
                del running[task]
                _tell(task, process.returncode, stopping, failed)
        if not stopping and time.monotonic() > end:
            console.print('the time is up: the same command goes on')
            stopping = True
        if stopping:
            for process in running.values():
                process.send_signal(signal.SIGTERM)
            for task, process in running.items():
                process.wait()
                _tell(task, process.returncode, stopping, failed)
            break
        if len(running) < jobs:  # looking for more reads all the files that tell what is done
            left = [t for t in left_of(tasks) if t not in running and t.name not in failed]
            for task in [task for task in left if task.ready][: jobs - len(running)]:
                running[task] = _start(task)
                left.remove(task)
                console.print(f'{_clock()} {task.name} starts; {len(left)} more wait')
        if not running:
            break
        time.sleep(1)
    return not failed and all(task.done for task in tasks)


def _start(task: Task) -> subprocess.Popen[bytes]:
    task.work_dir.mkdir(parents=True, exist_ok=True)
    environment = {'OMP_NUM_THREADS': '1', **os.environ}
    # In one process group, so that a signal pauses all; what Ctrl-C asks for is passed on, once.
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with (task.work_dir / LOG).open('ab') as log:
            return subprocess.Popen(  # noqa: S603
                [sys.executable, *task.command],
                stdout=log,
                stderr=log,
                env=environment,
            )
    finally:
        signal.signal(signal.SIGINT, ours)


def _tell(task: Task, code: int, stopping: bool, failed: set[str]) -> None:
    if finished(task.work_dir):
        _keep(task)
        console.print(f'{_clock()} {task.name} is done')
    elif not stopping:
        failed.add(task.name)
        console.print(f'{_clock()} {task.name} failed ({code}): see {task.work_dir / LOG}')


def _keep(task: Task) -> None:
    # What is trained again for its files alone, on another machine, leaves the numbers as they are.
    if task.numbers is None or finished(task.numbers) or not finished(task.work_dir):
        return
    if not keep(task.work_dir, task.numbers):
        console.print(f'{_clock()} {task.name} has no report: see {task.work_dir / LOG}')


def _clock() -> str:
    return time.strftime('%H:%M:%S')
