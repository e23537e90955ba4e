"""Tables as CSV files, for spreadsheets and scripts."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmlth.ticket import write_bytes


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a header and rows.

    Reading a number back gives the very same float; None becomes an empty cell.

    Args:
        path: The file to write.
        header: Names of the columns.
        rows: A value a column.
    """
    text = io.StringIO(newline='')
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(header)
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())
