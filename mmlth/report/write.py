"""The report of a search: its files, and its summary in the terminal."""

import sys
from pathlib import Path

from rich.console import Console

from mmlth.report.plot import plot_accuracy
from mmlth.report.results import write_results_csv
from mmlth.report.rounds import read_rounds
from mmlth.report.table import results_table

# Rich would fold the table to 80 columns in a log file, which has no width.
LOG_WIDTH = 100


def write_report(work_dir: Path) -> Path:
    """Writes ``report/results.csv`` and ``report/accuracy.png`` of a search, finished or not.

    Args:
        work_dir: The work_dir of the search.

    Returns:
        The path of the picture.
    """
    rounds = read_rounds(work_dir)
    plot = _plot_path(work_dir)
    write_results_csv(rounds, plot.parent / 'results.csv')
    plot_accuracy(rounds, plot)
    return plot


def print_results(work_dir: Path) -> None:
    """Prints the results of a search and the path of its plot, if that was written.

    Args:
        work_dir: The work_dir of the search.
    """
    console = Console(width=None if sys.stdout.isatty() else LOG_WIDTH)
    console.print(results_table(read_rounds(work_dir)))
    plot = _plot_path(work_dir)
    if plot.exists():
        console.out(f'plot: {plot}', highlight=False)


def _plot_path(work_dir: Path) -> Path:
    return Path(work_dir) / 'report' / 'accuracy.png'
