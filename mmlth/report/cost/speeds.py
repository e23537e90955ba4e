"""How fast the tickets are that ``mmlth bench`` has measured."""

from collections.abc import Mapping, Sequence
from functools import partial

from rich.table import Table
from rich.text import Text

from mmlth.analysis.speed import Speed, fingerprint
from mmlth.engine.state import bench_folder_of
from mmlth.messages import reason
from mmlth.report.kit import plain_table
from mmlth.report.page import CsvFile, Figure, Part
from mmlth.report.searches import RoundTicket
from mmlth.report.speed import (
    SPEED_FILE,
    machine_lines,
    milliseconds_cell,
    plot_speeds,
    read_speed,
    write_speed_csv,
)


def speed_parts(tickets: Sequence[RoundTicket]) -> list[Part]:
    """Text, plot, table and CSV of the tickets that were measured; nothing where none was.

    A result is looked for where ``mmlth bench`` writes it by default. One of another ticket, which
    had the same place before, is left out.

    Args:
        tickets: The tickets of the page.
    """
    speeds, problems = _read(tickets)
    parts: list[Part] = [' '.join(problems)] if problems else []
    if not speeds:
        return parts
    names = ', '.join(speeds)
    return [
        *parts,
        ' '.join(f'{name}: {"; ".join(machine_lines(speed))}.' for name, speed in speeds.items()),
        Figure(
            'speed',
            f'Milliseconds an image of {names}: medians with 95 % intervals. Coloured: what skips '
            'zeros.',
            f'Times of {names} in several runtimes, as bars.',
            partial(plot_speeds, speeds),
        ),
        speeds_table(speeds),
        CsvFile('speed.csv', partial(write_speed_csv, list(speeds.values()))),
    ]


def speeds_table(speeds: Mapping[str, Speed]) -> Table:
    """A row a contender, a column a ticket and number of threads, in milliseconds.

    Args:
        speeds: What was measured of each ticket, by its name.
    """
    table = plain_table('ms an image')
    columns = []
    for name, speed in speeds.items():
        for threads in speed.threads:
            count = f'{threads} {"thread" if threads == 1 else "threads"}'
            table.add_column(Text(f'{name}, {count}'), justify='right')
            columns.append(speed.at(threads))
    for contender in dict.fromkeys(name for column in columns for name in column):
        table.add_row(Text(contender), *(milliseconds_cell(c.get(contender)) for c in columns))
    return table


def _read(tickets: Sequence[RoundTicket]) -> tuple[dict[str, Speed], list[str]]:
    """What was measured of each ticket, and sentences on results that are of no use."""
    speeds: dict[str, Speed] = {}
    problems = []
    several = len({ticket.search for ticket in tickets}) > 1
    for ticket in tickets:
        path = bench_folder_of(ticket.path) / SPEED_FILE
        if not path.is_file():
            continue
        name = f'{ticket.search} {ticket.name}' if several else ticket.name
        try:
            speed = read_speed(path)
        except (OSError, ValueError) as error:
            problems.append(f'The speed of {name} cannot be read: {reason(error)}.')
            continue
        if speed.fingerprint == fingerprint(ticket.path):
            speeds[name] = speed
        else:
            problems.append(
                f'The speed of {name} is that of an earlier ticket; `mmlth bench` measures it anew.'
            )
    return speeds, problems
