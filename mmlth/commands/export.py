"""``mmlth export``: write the network of a ticket for ONNX or MNN, checked against torch."""

import argparse

from mmlth.engine.exporting import Exported, export_ticket


def run(options: argparse.Namespace) -> None:
    """Exports, and prints in one line what was written."""
    size = options.input_size
    done = export_ticket(
        options.ticket,
        options.out,
        runtime=options.runtime,
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
        f'{done.path}: {done.path.stat().st_size:,} bytes, {_format(done)}, {images} of '
        f'{height} × {width} → {", ".join(done.outputs)}; {checked}; {_zeros(done)}'
    )


def _format(done: Exported) -> str:
    return f'opset {done.opset}' if done.sparse is None else 'for MNN'


def _zeros(done: Exported) -> str:
    """What becomes of the pruned weights."""
    if done.sparse is None:
        return 'its zeros make no runtime of ONNX faster; see --runtime mnn'
    return (
        f'{done.sparse.marked} of {done.sparse.layers} layers are marked as sparse; with all '
        f'zeros it would take {done.sparse.dense_bytes:,} bytes'
    )
