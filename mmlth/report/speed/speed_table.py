"""The speed of a ticket: a table, and what it was measured with."""

from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmlth.analysis.speed import OWN, Median, Speed, Timing, median, speed_up
from mmlth.report.kit import ABSENT, percent, plain_table

CAPTION = f"""\
ms: median time of one image and the interval that holds it with 95 %
{OWN} is: how many times faster it is, of the ratios within each round, with their interval
difference: of the outputs from those of PyTorch, as a share of their largest number
folded: batch norms are merged into convolutions, which all but plain PyTorch do by themselves"""
_BUSY = 0.5


def speed_table(speed: Speed) -> Table:
    """A row a contender and number of threads."""
    table = plain_table('contender')
    for header in ('threads', 'ms', f'{OWN} is', 'difference'):
        table.add_column(header, justify='right', no_wrap=True)
    table.add_column('')
    for threads in speed.threads:
        timings = speed.at(threads)
        for timing in timings.values():
            table.add_row(
                Text(timing.contender),
                str(timing.threads),
                milliseconds_cell(timing),
                _speed_up_cell(timings.get(OWN), timing),
                _difference(timing.difference),
                Text(timing.error or timing.note),
            )
        table.add_section()
    table.caption, table.caption_justify = CAPTION, 'left'
    return table


def milliseconds_cell(timing: Timing | None) -> str:
    """The median of a timing and its interval."""
    if timing is None or not timing.milliseconds:
        return ABSENT
    return _with_interval(median(timing.milliseconds), milliseconds)


def machine_lines(speed: Speed) -> Iterator[str]:
    """Sentences on what was measured, and where."""
    height, width = speed.size
    machine = speed.machine
    yield (
        f'{speed.model}, {speed.part}, one image of {height} × {width} pixels, sparsity '
        f'{percent(speed.sparsity)}; medians of {speed.rounds} rounds, all contenders in turns'
    )
    cores = f'{machine.cores} {"core" if machine.cores == 1 else "cores"}'
    versions = ', '.join(f'{name} {version}' for name, version in machine.versions.items())
    yield f'{machine.processor}, {machine.capability}, {cores}; {versions}'
    settings = ', '.join(f'{name}={value}' for name, value in machine.environment.items())
    before, after = speed.load
    yield f'load average {before:.1f} before, {after:.1f} after; {settings or "no settings"}'
    if before > _BUSY:
        yield 'the machine was busy before: other processes are part of these times'
    yield from (f'not measured: {sentence}' for sentence in dict.fromkeys(speed.absent.values()))


def print_speed(console: Console, speed: Speed) -> None:
    """Prints the table and the sentences.

    Args:
        console: The console to print to.
        speed: What was measured.
    """
    console.print(speed_table(speed))
    console.print()
    for line in machine_lines(speed):
        console.print(Text(line), soft_wrap=True)


def _difference(share: float | None) -> str:
    if share is None:
        return ABSENT
    return f'{share:.0e}' if share else '0'


def _speed_up_cell(own: Timing | None, other: Timing) -> str:
    if own is None or own is other or not own.milliseconds or not other.milliseconds:
        return ABSENT
    ratio = speed_up(other.milliseconds, own.milliseconds)
    return _with_interval(ratio, lambda value: f'{value:.2f}') + ' ×'


def _with_interval(value: Median, form: Callable[[float], str]) -> str:
    if value.low is None or value.high is None:
        return form(value.value)
    return f'{form(value.value)} [{form(value.low)}, {form(value.high)}]'


def milliseconds(value: float) -> str:
    """A time with three digits, or all before the point.

    Example:
        >>> milliseconds(25.04), milliseconds(1234.5)
        ('25.0', '1234')
    """
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2
    return f'{value:.{decimals}f}'
