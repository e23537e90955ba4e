"""``mmlth connect``: evaluate the networks on the line between two, and measure their distance."""

import argparse

from mmlth_cli.options import add_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = (
        'Running statistics of norm layers are interpolated like weights; '
        '--recompute-statistics finds those that each network really has.'
    )
    add_config(parser)
    parser.add_argument('first', metavar='A', help='a ticket or a checkpoint: t = 0')
    parser.add_argument('second', metavar='B', help='another of the same model: t = 1')
    parser.add_argument(
        '--points', type=int, default=11, metavar='N', help='both ends included; default: 11'
    )
    parser.add_argument(
        '--recompute-statistics',
        type=int,
        default=0,
        metavar='N',
        help='compute running statistics anew at each point, from N batches of training data',
    )
    parser.add_argument(
        '--origin',
        help='where angles are measured from, such as the rewind.safetensors that both were '
        'trained from; default: zero',
    )
    parser.add_argument('--work-dir', help='default: work_dirs/CONFIG_connect')
