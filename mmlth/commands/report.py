"""``mmlth report``: one page on a search, or on several and their branches side by side."""

import argparse
import sys
from pathlib import Path

from mmlth.engine import LotteryError
from mmlth.messages import reason
from mmlth.report.page import Section, without_places
from mmlth.report.predictions import failures
from mmlth.report.searches import compare_searches, read_searches
from mmlth.report.writing import analyse_predictions, print_searches, write_searches


def run(options: argparse.Namespace) -> None:
    """Writes the files and prints the tables."""
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
