"""``mmlth targets``: print which weights a search would prune, by module, without data."""

import argparse

from mmlth.engine import targets_table


def run(options: argparse.Namespace) -> None:
    """Prints the table."""
    print(targets_table(options.config, options.cfg_options, **options.lottery), end='')
