"""Numbers as byte planes, which compress where numbers do not.

The exponents of trained weights are much alike, their mantissas are noise. Every number, read as
an unsigned integer, is rotated left by one bit, which puts the sign last and a float32's whole
exponent first; then all first bytes are stored together, then all second bytes, and so on.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmlth.ticket.frames import Frame, compress, decompress

DTYPES = {
    str(dtype).removeprefix('torch.'): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
        *(torch.float8_e4m3fn, torch.float8_e5m2, torch.complex64),
    )
}
"""Every type of number that a ticket can hold, by name."""

Array = np.ndarray[Any, Any]

_INTEGER = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_WORD = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def words(tensor: Tensor) -> Array:
    """A tensor's numbers as unsigned integers of the same size, flat; shares its memory."""
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    size = flat.element_size()
    return flat.view(_INTEGER[size]).numpy().view(_WORD[size])


def encode(numbers: Array) -> list[bytes]:
    """The planes of numbers as `words` gives them, most significant byte first, compressed."""
    word, size = numbers.dtype.type, numbers.itemsize
    rotated = (numbers << word(1)) | (numbers >> word(8 * size - 1))
    shifts = range(8 * (size - 1), -1, -8)
    return [compress((rotated >> word(shift)).astype(np.uint8).data) for shift in shifts]


def decode(planes: Sequence[tuple[memoryview, Frame]], count: int) -> Array:
    """The ``count`` numbers that `encode` was given.

    Raises:
        DamagedTicketError: If a plane is damaged or of another length.
    """
    size = len(planes)
    word = _WORD[size]
    rotated = np.zeros(count, word)
    for data, frame in planes:
        if size > 1:
            rotated <<= word(8)
        rotated |= np.frombuffer(decompress(data, frame, count), np.uint8)
    return (rotated >> word(1)) | (rotated << word(8 * size - 1))
