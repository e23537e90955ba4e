"""Zstandard frames: all bytes of a ticket are in them."""

import threading
import zlib
from dataclasses import dataclass

import zstandard

from mmlth.messages import reason
from mmlth.ticket.errors import DamagedTicketError

MAX_WINDOW = 1 << 23
"""Largest memory, in bytes, that a frame may ask a decoder for; ours ask for 128 KiB."""

_PARAMETERS = zstandard.ZstdCompressionParameters(
    # Mask bits and exponents are noise of low entropy: short repetitions found in it cost more
    # than they save. So the search for them is all but off, which leaves Huffman coding.
    strategy=zstandard.STRATEGY_FAST,
    min_match=7,
    hash_log=6,
    window_log=17,
    target_length=0,
    write_checksum=False,  # the index has one of every frame
)
_local = threading.local()


@dataclass(frozen=True)
class Frame:
    """Where a frame is and what its bytes must sum to."""

    length: int
    crc: int


def compress(data: bytes | memoryview) -> bytes:
    """Returns one frame that holds ``data`` and says its size; nothing for nothing."""
    if not data:
        return b''
    if not hasattr(_local, 'compressor'):  # compressors are no safer than files between threads
        _local.compressor = zstandard.ZstdCompressor(compression_params=_PARAMETERS)
    return _local.compressor.compress(data)


def describe(data: bytes) -> Frame:
    """Returns length and CRC-32 of a frame."""
    return Frame(len(data), zlib.crc32(data))


def decompress(data: memoryview, frame: Frame, size: int, at_most: bool = False) -> bytes:
    """Reads what a frame holds; its size is checked before memory is taken for it.

    Args:
        data: The bytes of the frame.
        frame: What the index says of them.
        size: How many bytes it must hold.
        at_most: Whether it may hold fewer.

    Raises:
        DamagedTicketError: If the bytes are not those that were written.
    """
    if len(data) != frame.length or zlib.crc32(data) != frame.crc:
        raise DamagedTicketError('a frame has another checksum than the index says')
    if not data and (at_most or size == 0):
        return b''
    try:
        header = zstandard.get_frame_parameters(data)
        if header.content_size > size if at_most else header.content_size != size:
            raise DamagedTicketError(f'a frame of {header.content_size} bytes instead of {size}')
        if header.window_size > max(MAX_WINDOW, size):
            raise DamagedTicketError(f'a frame with a window of {header.window_size} bytes')
        result = zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise DamagedTicketError(f'a frame that is no Zstandard: {reason(error)}') from error
    if len(result) != header.content_size:
        raise DamagedTicketError(f'a frame gave {len(result)} bytes, not {header.content_size}')
    return result
