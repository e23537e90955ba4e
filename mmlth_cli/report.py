"""``mmlth report``: one page on a search, or on several and their branches side by side."""

import argparse


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
