"""Numbers as byte planes, which compress where numbers do not.

The exponents of trained weights are much alike, their mantissas are noise. Every number, read as
an unsigned integer, is rotated left by one bit, which puts the sign last and a float32's whole
exponent first; then all first bytes are stored together, then all second bytes, and so on. The
first bytes are split in halves, two halves to a byte: exponents are worth less than two bits each,
and Huffman codes, which need one bit a symbol, come closer to that when a symbol is two of them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmlth.ticket.errors import DamagedTicketError
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


def as_uint(tensor: Tensor) -> Array:
    """Returns a tensor's numbers as unsigned integers of the same size, flat; shares its memory."""
    plain = tensor.detach().resolve_conj().resolve_neg()
    flat = plain.cpu().contiguous().reshape(-1)
    size = flat.element_size()
    return flat.view(_INTEGER[size]).numpy().view(_WORD[size])


def frames_of(size: int) -> int:
    """Returns the number of frames for numbers of ``size`` bytes."""
    return size + (size > 1)


def encode(numbers: Array) -> list[bytes]:
    """Encodes numbers of `as_uint` as planes, most significant byte first, compressed."""
    word, size = numbers.dtype.type, numbers.itemsize
    rotated = (numbers << word(1)) | (numbers >> word(8 * size - 1))
    shifts = range(8 * (size - 1), -1, -8)
    planes = [(rotated >> word(shift)).astype(np.uint8) for shift in shifts]
    if size > 1:
        planes[:1] = _halves(planes[0])
    return [compress(plane.data) for plane in planes]


def decode(planes: Sequence[tuple[memoryview, Frame]], count: int, size: int) -> Array:
    """Decodes the numbers that `encode` was given.

    Args:
        planes: Bytes and frame of each plane.
        count: Number of numbers.
        size: Bytes of a number.

    Raises:
        DamagedTicketError: If a plane is damaged or of another length.
    """
    word = _WORD[size]
    if size == 1:
        rotated = _plane(planes[0], count).copy()
    else:
        halves = [_plane(plane, (count + 1) // 2) for plane in planes[:2]]
        rotated = _whole(halves[0], halves[1], count).astype(word)
        for plane in planes[2:]:
            rotated <<= word(8)
            rotated |= _plane(plane, count)
    sign = rotated << word(8 * size - 1)
    rotated >>= word(1)
    rotated |= sign
    return rotated


def _plane(plane: tuple[memoryview, Frame], count: int) -> Array:
    return np.frombuffer(decompress(*plane, count), np.uint8)


def _halves(plane: Array) -> list[Array]:
    """The upper halves of all bytes, then the lower halves, each two to a byte, the first below."""
    even = plane if len(plane) % 2 == 0 else np.append(plane, np.uint8(0))
    first, second = even[::2], even[1::2]
    return [(first >> 4) | (second & 0xF0), (first & 0x0F) | (second << 4)]


def _whole(upper: Array, lower: Array, count: int) -> Array:
    """The bytes that `_halves` was given.

    Raises:
        DamagedTicketError: If there is more than ``count`` bytes.
    """
    plane = np.empty(2 * len(upper), np.uint8)
    plane[::2] = (lower & 0x0F) | (upper << 4)
    plane[1::2] = (lower >> 4) | (upper & 0xF0)
    if plane[count:].any():
        raise DamagedTicketError('a plane has bits of no number')
    return plane[:count]
