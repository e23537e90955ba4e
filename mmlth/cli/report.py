"""``mmlth report``: one page on a search, or on several and their branches side by side."""

import argparse
import sys
from pathlib import Path

from mmlth.engine import LotteryError
from mmlth.messages import reason


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = (
        'The page analyses what the dense model and the sparsest winning ticket of the first '
        "search predict. Predictions are computed once a model and kept in the report's folder."
    )
    parser.add_argument(
        'work_dirs',
        nargs='+',
        metavar='WORK_DIR',
        help='of searches that differ by seed; branches below them are lines of their own',
    )
    parser.add_argument('--metric', help='what to compare; default: the main ones')
    parser.add_argument('--out', metavar='FOLDER', help='default: report/ in the first WORK_DIR')
    parser.add_argument(
        '--no-predictions', action='store_true', help='leave out attributes, errors and samples'
    )


def run(options: argparse.Namespace) -> None:
    """Writes the files and prints the tables."""
    # Plotting takes a second to import, which other commands need not wait for.
    from mmlth.report import (
        analyse_predictions,
        compare_searches,
        print_searches,
        read_searches,
        write_searches,
    )
    from mmlth.report.page import Section, without_places
    from mmlth.report.predictions import failures

    work_dirs = [Path(path) for path in options.work_dirs]
    folder = Path(options.out) if options.out else work_dirs[0] / 'report'
    analyses: list[Section] = []
    try:
        searches = read_searches(work_dirs, options.metric)
        compare_searches(searches)  # says what is wrong with the searches, if anything is
        if not options.no_predictions:
            try:
                analyses = analyse_predictions(searches, folder)
                for failure in failures(analyses):
                    print(f'mmlth: {failure}', file=sys.stderr)
            except Exception as error:  # the rest of the page does not need them
                problem = f'not analysed: {without_places(reason(error), work_dirs)}'
                print(f'mmlth: predictions are {problem}', file=sys.stderr)
                analyses = [Section('Predictions', (f'They are {problem}',))]
        page = write_searches(searches, folder, analyses)
        print_searches(searches)
        print(f'report: {page}')
    except (OSError, ValueError) as error:
        raise LotteryError(reason(error)) from error
