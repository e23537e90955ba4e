"""``mmlth export``: write the network of a ticket as an ONNX file, checked against torch."""

import argparse

from mmlth.engine.exporting import OPSET, PARTS, Exported, export_ticket


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
        'default: what the ticket tells',
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


def run(options: argparse.Namespace) -> None:
    """Exports, and prints in one line what was written."""
    size = options.input_size
    done = export_ticket(
        options.ticket,
        options.out,
        config=options.config,
        size=None if size is None else (size[0], size[1]),
        part=options.part,
        opset=options.opset,
        check=not options.no_check,
    )
    print(_line(done))


def _line(done: Exported) -> str:
    height, width = done.size
    images = 'images' if done.any_batch else 'one image'
    if done.difference is None:
        checked = 'not checked'
    else:
        checked = (
            f'largest difference to torch {done.difference.absolute:.1e} '
            f'({done.difference.relative:.1e} of the largest number)'
        )
    return (
        f'{done.path}: {done.path.stat().st_size:,} bytes, opset {done.opset}, {images} of '
        f'{height} × {width} → {", ".join(done.outputs)}; {checked}; its zeros alone make no stock '
        'runtime faster'
    )
