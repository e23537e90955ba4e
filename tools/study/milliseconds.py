"""Measures the tickets of a study: milliseconds of each network, accelerated and dense.

    python tools/study/milliseconds.py work_dirs/study/bccd_macs docs/studies/bccd_macs --seed 0

Beside the numbers of each search and branch it writes ``milliseconds.csv``, a row a ticket, where
`macs_table.py` finds it. Tickets that are not there, and those measured already, are left out. Run
it on an idle machine.
"""

import argparse
import csv
import io
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from mmlth.analysis.speed import OWN, Speed, load_average, median, speed_up, ticket_speed
from mmlth.ticket import write_bytes

FILE = 'milliseconds.csv'
COLUMNS = ('round', 'threads', 'height', 'width', 'mmlth_ms', 'dense_ms', 'dense', 'faster')
COLUMNS += ('faster_low', 'faster_high')


def rows_of(number: int, speed: Speed) -> Iterator[list[object]]:
    """A row for each number of threads: mmlth beside the fastest that multiplies by zeros.

    Args:
        number: The round of the ticket.
        speed: What was measured of it.
    """
    for threads in speed.threads:
        times = {
            name: timing.milliseconds
            for name, timing in speed.at(threads).items()
            if timing.milliseconds and not name.startswith('MNN')
        }
        own = times.pop(OWN)
        dense = min(times, key=lambda name: median(times[name]).value)
        values = median(own).value, median(times[dense]).value
        yield [number, threads, *speed.size, *values, dense, *speed_up(times[dense], own)]


def main() -> None:
    """Measures the tickets of one seed, search by search."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('study', type=Path, help='the work_dir of the study')
    parser.add_argument('numbers', type=Path, help='where its numbers are kept')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--threads', type=int, nargs='+', default=[1])
    parser.add_argument('--rounds', type=int, default=15)
    options = parser.parse_args()
    console, seed = Console(highlight=False), f'seed_{options.seed}'
    console.print(f'load over 1 minute: {load_average():.1f}')
    search = options.study / seed
    for folder in (search, *sorted(search.glob('branches/*'))):
        kept = options.numbers / seed / folder.relative_to(search)
        tickets = sorted((folder / 'tickets').glob('round_*.safetensors'))
        if (kept / FILE).exists() or not kept.is_dir() or not tickets:
            continue
        text = io.StringIO()
        writer = csv.writer(text, lineterminator='\n')
        writer.writerow(COLUMNS)
        for ticket in tickets:
            speed = ticket_speed(
                ticket, part='network', threads=options.threads, rounds=options.rounds
            )
            writer.writerows(rows_of(int(ticket.stem.removeprefix('round_')), speed))
            console.print(f'{ticket}: measured')
        write_bytes(kept / FILE, text.getvalue().encode())


if __name__ == '__main__':
    main()
