"""How all tables look."""

from rich import box
from rich.table import Table


def plain_table(first: str, *, numbers: bool = False) -> Table:
    """An empty table without frames.

    Args:
        first: The name of the first column.
        numbers: Whether the first column holds numbers, which stand at the right and do not wrap.
    """
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    if numbers:
        table.add_column(first, justify='right', no_wrap=True)
    else:
        table.add_column(first, overflow='fold')
    return table
