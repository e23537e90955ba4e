"""``mmlth targets``: print which weights a search would prune, by module, without data."""

import argparse

from mmlth_cli.options import add_config, add_lottery


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add_config(parser)
    add_lottery(parser)
