"""Times what a search tells between processes beside the training's own gradients.

    python benchmarks/between_processes.py --processes 2

Processes on one machine, by gloo: asking all whether a signal came (once an iteration), sending a
mask (once a round), and, to compare, the gradients of the same model (once an iteration).
"""

import argparse
import os
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table
from torch import distributed, multiprocessing

from mmlth import Mask
from mmlth.engine.machine import Preemption

WEIGHTS = 44_000_000
"""As many as a Mask R-CNN R50 has."""


def main() -> None:
    """Starts the processes; the first one prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--processes', type=int, default=2)
    parser.add_argument('--repeats', type=int, default=11)
    options = parser.parse_args()
    os.environ.update(MASTER_ADDR='127.0.0.1', MASTER_PORT='29512')
    multiprocessing.spawn(_measure, (options.processes, options.repeats), options.processes)


def _measure(rank: int, processes: int, repeats: int) -> None:
    distributed.init_process_group('gloo', rank=rank, world_size=processes)
    gradients = torch.ones(WEIGHTS)
    mask = [Mask({'weight': torch.rand(WEIGHTS) < 0.2}) if rank == 0 else None]
    with Preemption() as preemption:
        rows = [
            ('whether a signal came', 'iteration', _median(lambda: preemption.requested, 200)),
            (
                'a mask of 44 M weights',
                'round',
                _median(lambda: distributed.broadcast_object_list(mask), repeats),
            ),
            (
                'gradients of 44 M weights',
                'iteration',
                _median(lambda: distributed.all_reduce(gradients), repeats),
            ),
        ]
    if rank == 0:
        table = Table(title=f'{processes} processes on one machine, gloo')
        for column in ('what', 'once a', 'milliseconds'):
            table.add_column(column)
        for what, often, seconds in rows:
            table.add_row(what, often, f'{1000 * seconds:.2f}')
        Console(width=80).print(table)


def _median(call: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        distributed.barrier()
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return sorted(times)[repeats // 2]


if __name__ == '__main__':
    main()
