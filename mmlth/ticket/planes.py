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
    size = numbers.itemsize
    rotated = (numbers << numbers.dtype.type(1)) | (numbers >> numbers.dtype.type(8 * size - 1))
    planes = rotated.astype(rotated.dtype.newbyteorder('<'), copy=False).view(np.uint8)
    return [compress(planes[size - 1 - i :: size].tobytes()) for i in range(size)]


def decode(planes: Sequence[tuple[memoryview, Frame]], count: int) -> Array:
    """The ``count`` numbers that `encode` was given.

    Raises:
        DamagedTicketError: If a plane is damaged or of another length.
    """
    size = len(planes)
    joined = np.empty((count, size), np.uint8)
    for i, (data, frame) in enumerate(planes):
        joined[:, size - 1 - i] = np.frombuffer(decompress(data, frame, count), np.uint8)
    word = np.dtype(_WORD[size])
    numbers = joined.reshape(-1).view(word.newbyteorder('<')).astype(word, copy=False)
    return (numbers >> word.type(1)) | (numbers << word.type(8 * size - 1))
