"""How fast the rounds of searches converge: table and CSV."""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmlth.analysis.networks import SHARES, Measurement, lower_is_better
from mmlth.report.convergence.runs import Line, Run, label_of
from mmlth.report.kit import mean_cell, percent, plain_table, write_csv


def convergence_table(lines: Sequence[Line], name: str, searches: int = 1) -> Table:
    """A row a round: how long it takes to shares of what the dense model ends with.

    Args:
        lines: The rounds of the searches, then those of their branches.
        name: The name of a metric or loss that was measured.
        searches: How many there are; over several, cells tell mean and standard deviation.
    """
    unit = lines[0][0].curves.unit
    form = _decimals(max((abs(points[-1][1]) for points in _measured(lines, name)), default=1))
    table = plain_table('round')
    table.columns[0].justify = 'right'
    table.add_column('sparsity', justify='right', no_wrap=True)
    for share in SHARES:
        table.add_column(f'{share:.0%}', justify='right', no_wrap=True)
    table.add_column(Text(f'{label_of(name)}, at the end', overflow='fold'), justify='right')
    for branch, group in itertools.groupby(lines, key=lambda line: line[0].branch):
        for line in group:
            ends = [points[-1][1] for points in _measured([line], name)]
            table.add_row(
                Text(f'{branch}: {line[0].number}' if branch else f'{line[0].number}'),
                percent(line[0].round.sparsity),
                *_positions(line, name),
                mean_cell(ends, form, searches),
            )
        table.add_section()
    table.caption = _caption(name, unit, searches)
    table.caption_justify = 'left'
    return table


def _measured(lines: Sequence[Line], name: str) -> list[Sequence[Measurement]]:
    """The points of each run of the lines, as far as it measured any."""
    return [points for line in lines for run in line if (points := run.points(name))]


def _decimals(largest: float) -> str:
    """Four decimals, and more where the largest number would keep fewer than four digits."""
    small = math.isfinite(largest) and 0 < largest < 0.1
    return f'.{3 - math.floor(math.log10(largest)) if small else 4}f'


def write_convergence_csv(runs: Sequence[Run], path: Path) -> None:
    """Writes a row each round and position: all that was measured there.

    Columns are search, branch, round, sparsity, epochs (or iterations, in loops without epochs),
    train/loss, val/loss and the losses that it consists of, and the metrics, as far as there are
    any.

    Args:
        runs: The rounds of searches and branches.
        path: The file to write.
    """
    names = list(dict.fromkeys(name for run in runs for name in run.curves.names))
    unit = runs[0].curves.unit if runs else 'epochs'
    rows: list[list[object]] = []
    for run in runs:
        columns = [dict(run.points(name)) for name in names]
        for position in sorted({at for column in columns for at in column}):
            values = [column.get(position) for column in columns]
            place = [run.search, run.branch, run.number, run.round.sparsity, position]
            rows.append([*place, *values])
    write_csv(path, ['search', 'branch', 'round', 'sparsity', unit, *names], rows)


def _positions(line: Line, name: str) -> list[str]:
    """Where the searches of a line reach each share, of those that were measured."""
    reached_shares = [reached for run in line if (reached := run.reached(name))]
    form = 'g' if len(reached_shares) < 2 else '.1f'
    return [
        mean_cell(
            [at for each in reached_shares if (at := each[share]) is not None],
            form,
            len(reached_shares),
        )
        for share in SHARES
    ]


def _caption(name: str, unit: str, searches: int) -> str:
    goal = (
        f'a {label_of(name)} no higher than the dense one divided by that share'
        if lower_is_better(name)
        else f'that share of the dense {label_of(name)}'
    )
    text = f'90% …: {unit} of the schedule until a validation first finds {goal}'
    if searches < 2:
        return text
    return (
        f'{text}, each search measured against its own dense model\n'
        'mean ± standard deviation over the searches; 1 of 2: the other never gets there, or is '
        'not as far yet'
    )
