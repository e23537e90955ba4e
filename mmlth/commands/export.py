"""``mmlth export``: write the network of a ticket as an ONNX file, checked against torch."""

import argparse

from mmlth.engine.exporting import Exported, export_ticket


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
