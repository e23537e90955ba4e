"""How tables of tickets look, and how they write numbers."""

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


def short(count: int) -> str:
    """A number of MACs with three digits or more and its unit: ``1.38 G``."""
    for exponent, unit in ((12, ' T'), (9, ' G'), (6, ' M'), (3, ' k')):
        if count >= 10**exponent:
            return f'{count / 10**exponent:.2f}{unit}'
    return str(count)
