"""``mmlth train``: run a lottery-ticket search with any config, with or without a lottery key."""

import argparse

from mmlth_cli.options import add_config, add_launcher, add_lottery


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_config(parser)
    add_lottery(parser)
    parser.add_argument('--work-dir', help="default: the config's, else work_dirs/CONFIG")
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        choices=['auto'],
        help='continue the search that the work_dir holds, if it holds one',
    )
    parser.add_argument('--amp', action='store_true', help='automatic mixed precision')
    parser.add_argument('--auto-scale-lr', action='store_true', help='by the batch size')
    add_launcher(parser)
