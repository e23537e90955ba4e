"""Measures the tickets of a study: milliseconds of each network, accelerated and dense.

    python tools/study/milliseconds.py work_dirs/study/bccd_macs docs/studies/bccd_macs --seed 0

Beside the numbers of each search and branch it writes ``milliseconds.csv``, a row a ticket, where
`macs_table.py` finds it. What is measured already, with as many threads, is left out. Run it on an
idle machine.
"""

import argparse
import csv
import io
from pathlib import Path

from rich.console import Console

from mmlth.analysis.speed import OWN, Speed, load_average, median, speed_up, ticket_speed
from mmlth.ticket import write_bytes

FILE = 'milliseconds.csv'
COLUMNS = ('round', 'threads', 'height', 'width', 'mmlth_ms', 'dense_ms', 'dense', 'faster')
COLUMNS += ('faster_low', 'faster_high')


def row_of(number: int, threads: int, speed: Speed) -> list[object] | None:
    """Own times beside the fastest of PyTorch, ONNX Runtime and OpenVINO; None if mmlth failed.

    Args:
        number: The round of the ticket.
        threads: With how many threads.
        speed: What was measured of it.
    """
    times = {
        name: timing.milliseconds
        for name, timing in speed.at(threads).items()
        if timing.milliseconds and not name.startswith('MNN')
    }
    own = times.pop(OWN, None)
    if own is None:
        return None
    dense = min(times, key=lambda name: median(times[name]).value)
    values = median(own).value, median(times[dense]).value
    return [number, threads, *speed.size, *values, dense, *speed_up(times[dense], own)]


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
    if not (search / 'search.json').exists():
        parser.error(f'{search} holds no search; run the study first')
    for folder in (search, *sorted(search.glob('branches/*'))):
        path = options.numbers / seed / folder.relative_to(search) / FILE
        rows = read(path)
        for ticket in sorted((folder / 'tickets').glob('round_*.safetensors')):
            number = int(ticket.stem.removeprefix('round_'))
            left = [n for n in options.threads if not {(number, n)} & {known(r) for r in rows}]
            if not left:
                continue
            speed = ticket_speed(ticket, part='network', threads=left, rounds=options.rounds)
            for threads in left:
                row = row_of(number, threads, speed)
                console.print(f'{ticket}, {threads} threads: {"measured" if row else "failed"}')
                rows += [list(map(str, row))] if row else []
            write(path, rows)


def known(row: list[str]) -> tuple[int, int]:
    """The round and the threads of a row."""
    return int(row[0]), int(row[1])


def read(path: Path) -> list[list[str]]:
    """The rows that are there."""
    if not path.exists():
        return []
    with path.open(newline='', encoding='utf-8') as file:
        return list(csv.reader(file))[1:]


def write(path: Path, rows: list[list[str]]) -> None:
    """Writes all rows, in order."""
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerows([COLUMNS, *sorted(rows, key=known)])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text.getvalue().encode())


if __name__ == '__main__':
    main()
