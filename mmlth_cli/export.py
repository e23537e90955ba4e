"""``mmlth export``: write the network of a ticket for ONNX or MNN, checked against torch."""

import argparse

from mmlth_common.choices import OPSET, PARTS, RUNTIMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.epilog = (
        'In an ONNX file pruned weights are zeros, by which runtimes multiply as by any other '
        'number. In a file of MNN, layers with more than 60 % zeros are marked, and MNN skips '
        'these zeros.'
    )
    parser.add_argument('ticket', help='a ticket with trained weights (.safetensors)')
    parser.add_argument('out', metavar='OUT', help='where to: .onnx, .mnn')
    parser.add_argument(
        '--runtime',
        choices=RUNTIMES,
        help='what reads the file; default: mnn for OUT.mnn, onnx for any other',
    )
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
        '--no-check',
        action='store_true',
        help='do not run the file (in onnxruntime, or in MNN) and compare',
    )
