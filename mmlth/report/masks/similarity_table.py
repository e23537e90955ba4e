"""How alike tickets are, beside what chance gives: tables and CSV."""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table
from rich.text import Text

from mmlth.analysis.masks import Matrix, Similarity
from mmlth.report.kit import ABSENT, plain_table, write_csv

HEADER = (
    *('first', 'second', 'kept_by_first', 'kept_by_second', 'kept_by_both'),
    *('iou', 'chance_iou', 'hamming', 'chance_hamming'),
)
IOU_CAPTION = """\
IoU: weights kept by both / kept by either
below it: of independent masks with as many weights in each layer"""
HAMMING_CAPTION = """\
Hamming distance: share of the prunable weights that just one of the two masks keeps
below it: of independent masks with as many weights in each layer"""


def iou_table(similarity: Similarity, names: Sequence[str]) -> Table:
    """A row a ticket: its IoU with each one before, and below it the one that chance gives.

    Args:
        similarity: How alike the masks of the tickets are.
        names: The names of the tickets.
    """
    return _table('IoU', similarity.iou, similarity.chance_iou, names, IOU_CAPTION)


def hamming_table(similarity: Similarity, names: Sequence[str]) -> Table:
    """A row a ticket: its Hamming distance to each one before, and the one that chance gives.

    Args:
        similarity: How alike the masks of the tickets are.
        names: The names of the tickets.
    """
    return _table('distance', similarity.hamming, similarity.chance_hamming, names, HAMMING_CAPTION)


def write_similarity_csv(similarity: Similarity, names: Sequence[str], path: Path) -> None:
    """Writes a row a pair of tickets: see `HEADER`.

    Args:
        similarity: How alike the masks of the tickets are.
        names: The names of the tickets.
        path: The file to write.
    """
    matrices = similarity.iou, similarity.chance_iou, similarity.hamming, similarity.chance_hamming
    rows = []
    for i, j in itertools.combinations(range(len(names)), 2):
        counts = similarity.overlap(i, j)
        values = [None if np.isnan(matrix[i, j]) else float(matrix[i, j]) for matrix in matrices]
        rows.append([names[i], names[j], counts.first, counts.second, counts.both, *values])
    write_csv(path, HEADER, rows)


def _table(
    first: str, values: Matrix, by_chance: Matrix, names: Sequence[str], caption: str
) -> Table:
    table = plain_table(first)
    for name in names[:-1]:
        table.add_column(Text(name), justify='right')
    for i, name in enumerate(names[1:], start=1):
        pairs = [f'{_number(values[i, j])}\n{_number(by_chance[i, j])}' for j in range(i)]
        table.add_row(Text(name), *pairs, *[''] * (len(names) - 1 - i))
    table.caption, table.caption_justify = caption, 'left'
    return table


def _number(value: float) -> str:
    return ABSENT if math.isnan(value) else f'{value:.3f}'
