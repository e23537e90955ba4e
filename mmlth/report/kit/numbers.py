"""How tables and plots write numbers."""

import math
import statistics
from collections.abc import Sequence

ABSENT = '–'


def percent(share: float | None) -> str:
    """A share in [0, 1] with its sign, and with more digits where two would be 0."""
    if share is None:
        return ABSENT
    return f'{100 * share:.1g}%' if 0 < share < 5e-5 else f'{share:.2%}'


def bare_percent(share: float, decimals: int) -> str:
    """A share in % without its sign, with two digits where that is more than the decimals.

    Args:
        share: The share, in [0, 1].
        decimals: How many digits stand behind the point, 0 or more.

    Example:
        >>> bare_percent(0.123, 0), bare_percent(0.0123, 0), bare_percent(0.123, 1)
        ('12', '1.2', '12.3')
    """
    percentage = 100 * share
    precise = share == 0 or percentage >= 10 ** (1 - decimals)
    return f'{percentage:.{decimals}f}' if precise else f'{percentage:.2g}'


def percent_removed(density: float) -> str:
    """A sparsity in % without its sign, with a digit more for each tenfold of density below 1 %."""
    if density == 1:
        return '0'
    digits = max(1, 1 - math.floor(math.log10(100 * density)))
    return f'{100 * (1 - density):.{digits}f}'


def signed(change: float, decimals: int) -> str:
    """A change with its sign; one that rounds to nothing is +0.

    Args:
        change: The change.
        decimals: How many digits stand behind the point.
    """
    return f'{round(change, decimals) + 0.0:+.{decimals}f}'


def mean_cell(values: Sequence[float], form: str, of: int = 1) -> str:
    """The mean over seeds and the sample standard deviation, which a single seed has not.

    Args:
        values: The values of the seeds that have one.
        form: How to write the numbers.
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


def short_count(*counts: int) -> str:
    """A number of MACs with three digits or more and its unit: ``1.38 G``; over seeds its mean.

    Example:
        >>> short_count(999), short_count(1_384_000_000), short_count(1000, 3000)
        ('999', '1.38 G', '2.00 ± 1.41 k')
    """
    mean = statistics.fmean(counts)
    for exponent, unit in ((12, ' T'), (9, ' G'), (6, ' M'), (3, ' k')):
        if mean >= 10**exponent:
            return mean_cell([count / 10**exponent for count in counts], '.2f') + unit
    return mean_cell(counts, '.0f')
