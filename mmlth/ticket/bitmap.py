"""The mask of a chunk as bytes: a bit an element, or the gaps between kept ones.

Where less than half is kept, gaps compress as well or a little better, and are read much faster.
"""

import numpy as np
import torch

from mmlth.ticket.errors import DamagedTicketError
from mmlth.ticket.frames import Frame, compress, decompress
from mmlth.ticket.planes import Array

_JUMP = 255
_WORTH = 1.01  # how much longer gaps may be


def encode_mask(kept: Array) -> tuple[bytes, bool]:
    """Returns the better of both forms, compressed, and whether it is that of gaps.

    Args:
        kept: Bool, one dimension.
    """
    bits = compress(np.packbits(kept, bitorder='little').tobytes())
    positions = np.flatnonzero(kept)
    if 2 * len(positions) > len(kept):
        return bits, False
    gaps = compress(_gaps(positions).tobytes())
    return (gaps, True) if len(gaps) <= _WORTH * len(bits) else (bits, False)


def decode_mask(data: memoryview, frame: Frame, gaps: bool, count: int) -> tuple[Array, Array]:
    """Decodes what `encode_mask` was given, as bools and as the positions of those kept.

    Args:
        data: The bytes of the frame.
        frame: What the index says of them.
        gaps: Whether they are gaps between kept elements rather than bits.
        count: Number of elements.

    Raises:
        DamagedTicketError: If the frame is damaged or has more than ``count`` elements.
    """
    if gaps:
        # Each byte stands for one element at least.
        positions = _positions(np.frombuffer(decompress(data, frame, count, True), np.uint8))
        if len(positions) and positions[-1] >= count:
            raise DamagedTicketError('a mask has gaps beyond its chunk')
        kept = np.zeros(count, bool)
        kept[positions] = True
        return kept, positions
    packed = np.frombuffer(decompress(data, frame, (count + 7) // 8), np.uint8)
    bits = np.unpackbits(packed, bitorder='little')
    if bits[count:].any():
        raise DamagedTicketError('a mask has bits of no weight')
    truths: Array = bits[:count].view(bool)
    return truths, np.flatnonzero(truths)


def _gaps(positions: Array) -> Array:
    """How many elements are pruned before each kept one; a jump is 255 of them and none kept."""
    gaps = np.diff(positions, prepend=-1) - 1
    if gaps.max(initial=0) < _JUMP:
        return gaps.astype(np.uint8)
    jumps = gaps // _JUMP
    ends = np.cumsum(jumps + 1) - 1
    coded = np.full(ends[-1] + 1 if len(ends) else 0, _JUMP, np.uint8)
    coded[ends] = gaps % _JUMP
    return coded


def _positions(gaps: Array) -> Array:
    # torch sums twice as fast as NumPy.
    ends = torch.tensor(gaps).cumsum(0, dtype=torch.int64).numpy()
    ends += np.arange(len(gaps))
    jumps = gaps == _JUMP
    if jumps.any():
        return (ends - np.cumsum(jumps))[~jumps]
    return ends
