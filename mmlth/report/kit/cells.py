"""How tables of tickets look, and how they write numbers."""

import statistics
from collections.abc import Sequence

from rich import box
from rich.table import Table

ABSENT = '–'


def plain_table(first: str) -> Table:
    """An empty table without frames, its first column of this name."""
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column(first, overflow='fold')
    return table


def percent(share: float | None) -> str:
    """A share in [0, 1] as percentage, with more digits where two would be 0."""
    if share is None:
        return ABSENT
    return f'{100 * share:.1g}%' if 0 < share < 5e-5 else f'{share:.2%}'


def mean_cell(values: Sequence[float], form: str, of: int = 1) -> str:
    """The mean over seeds and the sample standard deviation, which a single seed has not.

    Args:
        values: Of the seeds that have one.
        form: How to write them.
        of: How many seeds there are; fewer values are said to be so.

    Example:
        >>> mean_cell([0.5], '.3f'), mean_cell([5.0, 7.0], '.1f', of=3)
        ('0.500', '2 of 3: 6.0 ± 1.4')
    """
    if not values:
        return ABSENT
    some = f'{len(values)} of {of}: ' if len(values) < of else ''
    spread = f' ± {statistics.stdev(values):{form.lstrip("+")}}' if len(values) > 1 else ''
    return f'{some}{statistics.fmean(values):{form}}{spread}'


def short(*counts: int) -> str:
    """A number of MACs with three digits or more and its unit: ``1.38 G``; over seeds its mean.

    Example:
        >>> short(999), short(1_384_000_000), short(1000, 3000)
        ('999', '1.38 G', '2.00 ± 1.41 k')
    """
    mean = statistics.fmean(counts)
    for exponent, unit in ((12, ' T'), (9, ' G'), (6, ' M'), (3, ' k')):
        if mean >= 10**exponent:
            return mean_cell([count / 10**exponent for count in counts], '.2f') + unit
    return mean_cell(counts, '.0f')
