"""The layers in a file of MNN, which is a FlatBuffer (https://flatbuffers.dev/internals).

Its tables begin with the distance to a list of where their fields are; a field that is not in the
list, or at 0, is not set. The numbers of fields are those of MNN's schema, to which later versions
may only append.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_OPERATORS = 3  # of Net
_KIND, _PARAMETERS = 1, 2  # of Op
_SPARSE = 5  # of Convolution2D
_CONVOLUTION = 9
"""The kind of parameters that convolutions have, and what becomes one: products with a matrix."""


class Layers(NamedTuple):
    """The layers with weights in a file.

    Attributes:
        marked: How many are marked as sparse.
        total: How many there are. Grouped convolutions count a layer a group, as MNN has them.
    """

    marked: int
    total: int


def layers_in(content: bytes) -> Layers:
    """Counts the layers of a file of MNN.

    Args:
        content: The content of the file.
    """
    kept = [_field(content, each, _SPARSE) is not None for each in _convolutions(content)]
    return Layers(sum(kept), len(kept))


def _convolutions(content: bytes) -> Iterator[int]:
    """Where the parameters of each convolution are."""
    operators = _field(content, _target(content, 0), _OPERATORS)
    if operators is None:
        return
    vector = _target(content, operators)
    for index in range(_number(content, vector, 'I')):
        operator = _target(content, vector + 4 + 4 * index)
        kind, parameters = (_field(content, operator, field) for field in (_KIND, _PARAMETERS))
        if kind is not None and parameters is not None and content[kind] == _CONVOLUTION:
            yield _target(content, parameters)


def _field(content: bytes, table: int, number: int) -> int | None:
    """Where a field of a table is; None if it is not set."""
    fields = table - _number(content, table, 'i')
    entry = 4 + 2 * number
    if entry >= _number(content, fields, 'H'):
        return None
    distance = _number(content, fields + entry, 'H')
    return table + distance if distance else None


def _target(content: bytes, place: int) -> int:
    """What a distance points to."""
    return place + _number(content, place, 'I')


def _number(content: bytes, place: int, kind: str) -> int:
    return int(struct.unpack_from(f'<{kind}', content, place)[0])
