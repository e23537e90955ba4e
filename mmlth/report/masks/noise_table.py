"""How a metric falls as bits of a mask are flipped: table and CSV."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mmlth.report.kit import mean_cell, percent, plain_table, write_csv
from mmlth.report.masks.noisy_tickets import (
    NoisyTicket,
    noisy_values,
    same_noise,
    values_without_noise,
)
from mmlth.report.searches import measured

HEADER = (
    *('search', 'branch', 'round', 'sparsity', 'flipped_of_kept', 'flipped_of_pruned', 'flipped'),
    *('metric', 'value', 'value_of_ticket'),
)
CAPTION = """\
0.00% flipped: the ticket itself
difference: to the ticket itself, seed by seed"""


def noise_table(noisy: Sequence[NoisyTicket], metric: str) -> Table:
    """A row a ticket without noise, below it one a share of noise; of seeds mean and deviation.

    Args:
        noisy: The tickets with noise of searches that differ by seed.
        metric: The name of the metric.
    """
    table = plain_table('ticket')
    for header in ('sparsity', 'flipped of kept', 'of pruned', 'of all', metric, 'difference'):
        table.add_column(Text(header), justify='right')
    for index in sorted({each.ticket['round'] for each in noisy}):
        own = [each for each in noisy if each.ticket['round'] == index]
        name, sparsity = f'round {index}', percent(own[0].ticket['sparsity'])
        table.add_row(
            name,
            sparsity,
            *[percent(0)] * 3,
            mean_cell(values_without_noise(own, metric), '.3f'),
            '',
        )
        for group in same_noise(own).values():
            shares = [
                statistics.fmean(getattr(each.flips, what) for each in group)
                for what in ('kept', 'pruned', 'all')
            ]
            values = mean_cell(noisy_values(group, metric), '.3f')
            differences = mean_cell(_differences(group, metric), '+.3f')
            table.add_row(name, sparsity, *map(percent, shares), values, differences)
        table.add_section()
    table.caption, table.caption_justify = CAPTION, 'left'
    return table


def write_noise_csv(noisy: Sequence[NoisyTicket], metric: str, path: Path) -> None:
    """Writes a row a ticket with noise: see `HEADER`; shares are in [0, 1].

    Args:
        noisy: The tickets with noise.
        metric: The name of the metric.
        path: The file to write.
    """
    write_csv(
        path,
        HEADER,
        (
            [
                *(each.search, each.branch, each.ticket['round'], each.ticket['sparsity']),
                *(each.flips.kept, each.flips.pruned, each.flips.all, metric),
                *(measured(each.noisy, metric), measured(each.ticket, metric)),
            ]
            for each in noisy
        ),
    )


def _differences(group: Iterable[NoisyTicket], metric: str) -> list[float]:
    pairs = [(measured(each.noisy, metric), measured(each.ticket, metric)) for each in group]
    return [noisy - own for noisy, own in pairs if noisy is not None and own is not None]
