"""The report on several searches and their branches."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mmlth.report.comparison_plot import plot_comparison
from mmlth.report.comparison_table import (
    comparison_markdown,
    comparison_table,
    write_comparison_csv,
)
from mmlth.report.lines import Comparison, compare, rounds_by_line
from mmlth.report.metrics import main_metrics
from mmlth.report.write import LOG_WIDTH
from mmlth.ticket import write_bytes


def write_comparison(
    work_dirs: Sequence[Path], folder: Path, metric: str | None = None
) -> list[Comparison]:
    """Writes ``comparison.csv``, ``.md``, ``.png`` and ``.svg``; the picture is of one metric.

    Args:
        work_dirs: Of searches that differ by seed; their branches are found below them.
        folder: Where to write.
        metric: What is drawn; by default the first of the main ones.

    Returns:
        What was compared: a comparison a metric, the one that is drawn first.

    Raises:
        FileNotFoundError: If a work_dir holds no search.
        ValueError: If the searches cannot be compared, or lack the metric.
    """
    dense, lines = rounds_by_line(work_dirs)
    metrics = main_metrics(dense) if metric is None else [metric]
    if not metrics:
        raise ValueError('the dense rounds have no metric to compare; was anything validated?')
    comparisons = [compare(dense, lines, name) for name in metrics]
    folder.mkdir(parents=True, exist_ok=True)
    write_comparison_csv(comparisons, folder / 'comparison.csv')
    write_bytes(folder / 'comparison.md', comparison_markdown(comparisons).encode())
    for suffix in ('png', 'svg'):
        plot_comparison(comparisons[0], folder / f'comparison.{suffix}')
    return comparisons


def print_comparison(comparisons: Sequence[Comparison]) -> None:
    """Prints a table a metric."""
    console = Console(width=None if sys.stdout.isatty() else LOG_WIDTH)
    for comparison in comparisons:
        console.print(comparison_table(comparison))
