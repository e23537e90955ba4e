"""``mmlth export``: write the network of a ticket as an ONNX file, checked against torch."""

import argparse

from mmlth_common.choices import OPSET, PARTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = (
        'The pruned weights are zeros in the file. Zeros alone make no stock runtime faster: it '
        'multiplies by them as by any other number.'
    )
    parser.add_argument('ticket', help='a ticket with trained weights (.safetensors)')
    parser.add_argument('out', metavar='OUT.onnx', help='where to')
    parser.add_argument(
        '--config',
        help='of the model, a file or a name such as mmdet::FOLDER/CONFIG.py; '
        'default: the one in the ticket',
    )
    parser.add_argument(
        '--input-size',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        help="of the images; default: of the config's validation images",
    )
    parser.add_argument(
        '--part',
        choices=PARTS,
        default=PARTS[0],
        help='features: backbone and neck, of any detector or pose estimator (default); '
        'network: with the heads, up to their raw outputs, before any post-processing; '
        'not of two-stage detectors',
    )
    parser.add_argument(
        '--opset', type=int, default=OPSET, metavar='N', help=f'of ONNX; default: {OPSET}'
    )
    parser.add_argument(
        '--no-check', action='store_true', help='do not run the file in onnxruntime and compare'
    )
