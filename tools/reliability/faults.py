#!/usr/bin/env python
"""Disturbs searches by real faults, lets them continue, and compares their tickets."""

import argparse
import random
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

from damage import damaged_checkpoints
from full_disk import full_disks
from interruptions import KILLS, SIGNALS, interrupted
from many_processes import dead_ranks
from outcomes import Outcome, failed, table
from reliability_page import page
from rich.console import Console
from searches import ROUNDS, Bench

from mmlth.ticket import write_bytes


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    options = parse_options(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is mounted is unmounted
    console = Console(width=None if sys.stdout.isatty() else 100)
    outcomes: list[Outcome] = []
    console.print(f'seed {options.seed}')
    with tempfile.TemporaryDirectory(prefix='faults_') as temporary, console.status('') as status:
        folder = Path(options.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        status.update('searching undisturbed')
        bench = Bench(folder, random.Random(options.seed), console.print)  # noqa: S311
        for outcome in inject(bench, options):
            outcomes.append(outcome)
            status.update(f'{len(outcomes)} faults so far')
    console.print(table(outcomes))
    console.print(f'seed {options.seed}')
    if options.page:
        command = f'python tools/reliability/faults.py --seed {options.seed} --page {options.page}'
        write_bytes(options.page, page(outcomes, command, ROUNDS).encode())
    return int(any(failed(outcome) for outcome in outcomes))


def inject(bench: Bench, options: argparse.Namespace) -> Iterator[Outcome]:
    """All the faults that were asked for."""
    yield from interrupted(bench, list(islice(cycle(KILLS), options.kills)))
    yield from interrupted(bench, list(islice(cycle(SIGNALS), options.signals)))
    yield from damaged_checkpoints(bench, options.damages)
    if options.disks:
        try:
            yield from full_disks(bench, [random_share(bench) for _ in range(options.disks)])
        except PermissionError as error:
            bench.tell(f'full disks skipped: {error}')
    if options.ranks:
        yield from dead_ranks(bench, options.ranks)


def random_share(bench: Bench) -> float:
    """How large a disk is, of what a search writes."""
    return bench.random.uniform(0.05, 0.9)


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        description='Kills searches, damages and fills up what they write to, lets them continue, '
        'and compares their tickets with those of a search that nothing disturbed. Exit code 1 if '
        'anything was lost.'
    )
    parser.add_argument('--kills', type=int, default=20, metavar='N', help='by SIGKILL (20)')
    parser.add_argument('--signals', type=int, default=5, metavar='N', help='SIGTERM, SIGUSR1 (5)')
    parser.add_argument('--damages', type=int, default=3, metavar='N', help='of checkpoints (3)')
    parser.add_argument('--disks', type=int, default=3, metavar='N', help='full ones; root (3)')
    parser.add_argument('--ranks', type=int, default=2, metavar='N', help='dead, of two (2)')
    seed = random.randrange(10**6)  # noqa: S311
    parser.add_argument('--seed', type=int, default=seed, metavar='S', help='default: any')
    parser.add_argument('--folder', type=Path, help='where to search; default: a temporary one')
    parser.add_argument('--page', type=Path, metavar='FILE', help='the page that tells of it')
    return parser.parse_args(argv)


if __name__ == '__main__':
    sys.exit(main())
