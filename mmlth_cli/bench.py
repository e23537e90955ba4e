"""``mmlth bench``: measure how fast the network of a ticket is, beside dense ones and runtimes."""

import argparse

from mmlth_cli.completion import completed_by, configs_to_read
from mmlth_common.choices import PARTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = (
        'All contenders run one image in turns, so that a busy machine is unfair to none: the '
        'network accelerated by mmlth, in PyTorch, and in ONNX Runtime, OpenVINO and MNN as far as '
        'they are installed. Each must compute what the network does in PyTorch.'
    )
    parser.add_argument('ticket', metavar='TICKET', help='with trained weights (.safetensors)')
    config = parser.add_argument(
        'config',
        metavar='CONFIG',
        nargs='?',
        help='of the model, a file or a name such as mmdet::FOLDER/CONFIG.py; '
        'default: the one in the ticket',
    )
    completed_by(config, configs_to_read)
    parser.add_argument(
        '--threads',
        nargs='+',
        type=int,
        default=[1],
        metavar='N',
        help='to measure with, one number after another; default: 1',
    )
    parser.add_argument(
        '--input',
        '--input-size',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        help="size of the image; default: of the config's validation images",
    )
    parser.add_argument(
        '--part',
        choices=PARTS,
        default=PARTS[0],
        help='features: backbone and neck, of any detector or pose estimator (default); '
        'network: with the heads, up to their raw outputs; not of two-stage detectors',
    )
    parser.add_argument(
        '--rounds', type=int, default=15, metavar='N', help='turns of each contender; default: 15'
    )
    parser.add_argument(
        '--json', action='store_true', help='print the numbers as JSON instead of the table'
    )
    parser.add_argument(
        '--out',
        metavar='FOLDER',
        help='for bench.json, bench.csv and bench.png; default: WORK_DIR/bench/TICKET, where the '
        'report of the search finds them',
    )
