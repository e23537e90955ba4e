"""What is printed of an accelerated network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmlth.runtime.acceleration import Acceleration, Layer

_NAME = 44
COLUMNS = f'{"layer":{_NAME}} {"input":>14} {"density":>7} {"dense ms":>9} {"sparse ms":>9}  choice'
"""The heading."""


def row(layer: Layer) -> str:
    """The line of a layer."""
    name = layer.name if len(layer.name) <= _NAME else f'…{layer.name[1 - _NAME :]}'
    sizes = list(dict.fromkeys(layer.shapes))
    size = '×'.join(map(str, sizes[0][1:])) + (f' +{len(sizes) - 1}' if len(sizes) > 1 else '')
    sparse = '' if layer.sparse_ms is None else f'{layer.sparse_ms:.3f}'
    choice = layer.choice + (f' ({layer.reason})' if layer.reason else '')
    return (
        f'{name:{_NAME}} {size:>14} {layer.density:>7.1%} {layer.dense_ms:>9.3f} {sparse:>9}  '
        f'{choice}'
    )


def summary(acceleration: Acceleration) -> str:
    """The last line."""
    count = sum(layer.choice == 'sparse' for layer in acceleration.layers)
    gain = acceleration.dense_ms / acceleration.model_ms
    chosen = (
        f'{count} of {len(acceleration.layers)} layers sparse'
        if acceleration.choice == 'sparse'
        else f'{acceleration.choice}, which is faster as a whole'
    )
    return (
        f'the network: {acceleration.dense_ms:.1f} ms as given, {acceleration.model_ms:.1f} ms '
        f'accelerated ({gain:.2f}×): {chosen}'
    )
