"""``mmlth configs``: list the configs that come with mmlth, or copy one to edit."""

import argparse

from mmlth_cli.completion import completed_by, configs_to_copy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.usage = (
        'mmlth configs [-h] [--json] [WORD ...]\n       mmlth configs copy NAME [DEST] [--force]'
    )
    words = parser.add_argument(
        'words',
        nargs='*',
        metavar='WORD',
        help='list only configs with each of these words in their name or in the line about them; '
        'or `copy NAME DEST`: write the config of that name to DEST, a file or a folder, by '
        'default to NAME.py',
    )
    completed_by(words, configs_to_copy)
    parser.add_argument('--json', action='store_true', help='print the list as JSON')
    parser.add_argument('--force', action='store_true', help='replace DEST')
