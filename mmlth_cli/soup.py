"""``mmlth soup``: average tickets that share a mask, as branches by data order do."""

import argparse

from mmlth_cli.options import add_cfg_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = (
        'Running statistics of batch norm layers are not averaged but computed anew from training '
        'data, unless training keeps them frozen. Models without any need no data.'
    )
    parser.add_argument(
        'tickets',
        nargs='+',
        metavar='TICKET',
        help='two or more (.safetensors) of one model and one mask; their order is no matter',
    )
    parser.add_argument(
        '--out', required=True, metavar='FILE', help='the ticket to write, X.safetensors'
    )
    parser.add_argument('--force', action='store_true', help='replace the file --out')
    parser.add_argument(
        '--config',
        help='of model and training data, a file or a name such as mmdet::FOLDER/CONFIG.py; '
        'default: that of the search in whose folder the tickets lie',
    )
    parser.add_argument(
        '--batches',
        type=int,
        default=100,
        metavar='N',
        help='of training data, to compute running statistics from; default: 100',
    )
    add_cfg_options(parser, 'train_dataloader.batch_size=8')
