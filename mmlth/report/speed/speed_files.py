"""The speed of a ticket in files: JSON, which reports read again, and CSV."""

import json
from pathlib import Path

from mmlth.analysis.speed import Speed, from_json, median, to_json
from mmlth.messages import reason
from mmlth.report.kit import write_csv

SPEED_FILE = 'bench.json'
"""The file that holds all that was measured."""
_COLUMNS = (
    'ticket',
    'model',
    'part',
    'height',
    'width',
    'sparsity',
    'threads',
    'contender',
    'median_ms',
    'low_ms',
    'high_ms',
    'rounds',
    'difference',
    'error',
    'note',
)


def speed_text(speed: Speed) -> str:
    """A speed as the text of a JSON file."""
    values = to_json(speed)
    return json.dumps(values, indent=2, allow_nan=False, ensure_ascii=False) + '\n'


def read_speed(path: Path) -> Speed:
    """Reads what `speed_text` gives.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it holds something else.
    """
    try:
        values = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'no result of mmlth bench: {reason(error)}') from error
    return from_json(values)


def write_speed_csv(speeds: list[Speed], path: Path) -> None:
    """Writes a row a ticket, number of threads and contender; times in milliseconds.

    Args:
        speeds: What was measured of each ticket.
        path: The file to write.
    """
    rows = []
    for speed in speeds:
        about = speed.ticket, speed.model, speed.part, *speed.size, speed.sparsity
        for timing in speed.timings:
            times = median(timing.milliseconds) if timing.milliseconds else (None, None, None)
            counts = len(timing.milliseconds), timing.difference, timing.error, timing.note
            rows.append([*about, timing.threads, timing.contender, *times, *counts])
    write_csv(path, _COLUMNS, rows)
