"""Searches with several seeds, and what they are compared with: resumes where it stopped.

    python tools/study/study.py configs/lth/rtmdet/rtmdet_tiny_bccd_study.py --seeds 0 1 2 --jobs 2

For each seed a search, then its branches: random and permuted masks, new weights, one-shot pruning,
learning-rate rewinding, fine-tuning, and the dense model trained as long as the search; blocks of
four outputs and a budget in multiply-adds where ``--methods`` names them. Every training is a
process of its own with a log; two of them run at a time (``--jobs``), seed after seed with
``--by-seed``. Stopped by Ctrl-C, SIGTERM or ``--minutes``, the same command goes on where it was;
``kill -STOP -PID`` of its process group pauses all of it. At the end, and by ``--only-report`` at
any time, the methods are compared.

``--numbers FOLDER`` copies what a finished search or branch measured there. What that folder has
is not trained again, so that a study goes on without the work_dir it began in.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from methods import DEFAULT, METHODS, branches
from numbers_kept import finished, keep_numbers, reported
from rich.console import Console

import mmlth_cli.main

SPARSITIES = (0.5, 0.8, 0.9, 0.95, 0.98)
LEVELS = (0.8, 0.9, 0.95, 0.98)
console = Console(width=100 if not sys.stdout.isatty() else None, highlight=False)


@dataclass(frozen=True)
class Task:
    """A search or a branch: the command that runs it, and the search that it waits for."""

    name: str
    work_dir: Path
    command: tuple[str, ...]
    after: Path | None = None
    numbers: Path | None = None

    @property
    def done(self) -> bool:
        """Whether all of its rounds are, here or where its numbers are from."""
        return finished(self.work_dir) or (self.numbers is not None and finished(self.numbers))

    @property
    def ready(self) -> bool:
        """Whether the search that it waits for is done, and at hand."""
        return self.after is None or finished(self.after)


def left_of(all_tasks: Sequence[Task]) -> list[Task]:
    """What is to be run: what is not done, and searches that such branches need."""
    undone = [task for task in all_tasks if not task.done]
    needed = {task.after for task in undone} - {None}
    return [
        task
        for task in all_tasks
        if task in undone or (task.work_dir in needed and not finished(task.work_dir))
    ]


def tasks(options: argparse.Namespace) -> list[Task]:
    """All searches, then all branches, method by method; by seed: all of a seed, then the next."""
    by_seed = []
    sparsities = ','.join(map(str, options.sparsities))
    for seed in options.seeds:
        folder = options.work_dir / f'seed_{seed}'
        command = ['train', options.config, '--work-dir', str(folder), '--sparsities', sparsities]
        command += ['--resume', '--cfg-options', f'randomness.seed={seed}', *options.cfg_options]
        numbers = options.numbers and options.numbers / folder.name
        of_seed = [Task(f'seed {seed}: search', folder, tuple(command), numbers=numbers)]
        for name, given in branches(options.sparsities, options.levels, options.methods).items():
            command = ['branch', str(folder), *given, '--name', name, '--resume']
            place = Path('branches', name)
            of_seed.append(
                Task(
                    f'seed {seed}: {name}',
                    folder / place,
                    tuple(command),
                    after=folder,
                    numbers=numbers and numbers / place,
                )
            )
        by_seed.append(of_seed)
    groups = by_seed if options.by_seed else zip(*by_seed)
    return [task for group in groups for task in group]


def run(all_tasks: list[Task], jobs: int, minutes: float | None) -> bool:
    """Runs what is left, ``jobs`` at a time; returns whether nothing failed and all is done."""
    for task in all_tasks:
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
            console.print('the time is up: what runs is saved; the same command goes on')
            stopping = True
        if stopping:
            for process in running.values():
                process.send_signal(signal.SIGTERM)
            for task, process in running.items():
                process.wait()
                _tell(task, process.returncode, stopping, failed)
            break
        left = [t for t in left_of(all_tasks) if t not in running and t.name not in failed]
        waiting = [task for task in left if task.ready]
        for task in waiting[: jobs - len(running)]:
            running[task] = _start(task)
            left.remove(task)
            console.print(f'{_clock()} {task.name} starts; {len(left)} more wait')
        if not running and not waiting:
            break
        time.sleep(1)
    return not failed and all(task.done for task in all_tasks)


def _start(task: Task) -> subprocess.Popen[bytes]:
    task.work_dir.mkdir(parents=True, exist_ok=True)
    environment = {'OMP_NUM_THREADS': '1', **os.environ}
    # In one process group, so that a signal pauses all; what Ctrl-C asks for is passed on, once.
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with (task.work_dir / 'study.log').open('ab') as log:
            return subprocess.Popen(  # noqa: S603
                [sys.executable, '-m', 'mmlth', *task.command],
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
        console.print(f'{_clock()} {task.name} failed ({code}): see {task.work_dir}/study.log')


def _keep(task: Task) -> None:
    if task.numbers is not None and finished(task.work_dir):
        if not reported(task.work_dir):  # it was killed before it could
            mmlth_cli.main.main(['report', str(task.work_dir)])
        keep_numbers(task.work_dir, task.numbers)


def _clock() -> str:
    return time.strftime('%H:%M:%S')


def main() -> int:
    """Runs the study, then compares; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='whose search and branches are run')
    parser.add_argument('--work-dir', type=Path, help='default: work_dirs/study/CONFIG')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--sparsities', type=float, nargs='+', default=list(SPARSITIES))
    parser.add_argument('--levels', type=float, nargs='+', default=list(LEVELS))
    parser.add_argument('--methods', nargs='+', choices=METHODS, default=DEFAULT)
    parser.add_argument('--jobs', type=int, default=2, help='trainings at a time, one core each')
    parser.add_argument('--by-seed', action='store_true', help='all of a seed before the next one')
    parser.add_argument('--numbers', type=Path, help='where the numbers of what is done are kept')
    parser.add_argument('--minutes', type=float, help='stop after so long; go on another time')
    parser.add_argument('--only-report', action='store_true', help='compare what is there')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    options = parser.parse_args()
    options.work_dir = options.work_dir or Path('work_dirs/study', Path(options.config).stem)
    try:
        all_tasks = tasks(options)
    except ValueError as error:
        parser.error(str(error))
    complete = True
    if not options.only_report:
        complete = run(all_tasks, options.jobs, options.minutes)
    done = sum(task.done for task in all_tasks)
    console.print(f'{done} of {len(all_tasks)} searches and branches are done')
    with_results = [
        str(task.work_dir)
        for task in all_tasks
        if task.after is None and (task.work_dir / 'search.json').exists()
    ]
    if with_results:
        report = ['report', *with_results, '--out', str(options.work_dir / 'report')]
        mmlth_cli.main.main(report)
    return 0 if complete else 75  # run me again, as a search says


if __name__ == '__main__':
    sys.exit(main())
