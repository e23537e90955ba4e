"""``mmlth targets``: print which weights a search would prune, by module, without data."""

import argparse

from mmlth.cli.options import add_config, add_lottery, lottery
from mmlth.engine import targets_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_config(parser)
    add_lottery(parser)


def run(options: argparse.Namespace) -> None:
    """Prints the table."""
    print(targets_table(options.config, options.cfg_options, **lottery(options)), end='')
