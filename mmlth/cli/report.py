"""``mmlth report``: tables and plots of a search, or of several and their branches side by side."""

import argparse
from pathlib import Path

from mmlth.engine import LotteryError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        'work_dirs',
        nargs='+',
        metavar='WORK_DIR',
        help='of searches that differ by seed; branches below them are lines of their own',
    )
    parser.add_argument('--metric', help='what to compare; default: the main ones')
    parser.add_argument('--out', metavar='FOLDER', help='default: report/ in the first WORK_DIR')


def run(options: argparse.Namespace) -> None:
    """Writes the files and prints the tables."""
    # Plotting takes a second to import, which other commands need not wait for.
    from mmlth.report import print_comparison, print_results, write_comparison, write_report

    work_dirs = [Path(path) for path in options.work_dirs]
    folder = Path(options.out) if options.out else work_dirs[0] / 'report'
    try:
        if len(work_dirs) == 1:
            write_report(work_dirs[0])
            print_results(work_dirs[0])
        if len(work_dirs) > 1 or any(work_dirs[0].glob('branches/*/search.json')):
            print_comparison(write_comparison(work_dirs, folder, options.metric))
            print(f'comparison: {folder / "comparison.png"}, .svg, .csv and .md')
    except (OSError, ValueError) as error:
        raise LotteryError(str(error)) from error
