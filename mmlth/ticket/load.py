"""Reading tickets: everything is checked before memory is taken for it."""

import json
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmlth.messages import reason
from mmlth.pruning import Mask
from mmlth.ticket.bitmap import decode_mask
from mmlth.ticket.container import read_description, read_part
from mmlth.ticket.errors import (
    DamagedTicketError,
    NotATicketError,
    TicketError,
    TicketTooLargeError,
    TicketVersionError,
)
from mmlth.ticket.frames import Frame, decompress
from mmlth.ticket.index import Chunk, Entry, Index, Piece, from_json, largest_index, natural
from mmlth.ticket.planes import DTYPES, Array, as_uint, decode, frames_of
from mmlth.ticket.save import FORMAT, VERSION
from mmlth.ticket.threads import threads
from mmlth.ticket.ticket import Ticket
from mmlth.ticket.tree import from_json as info_from_json

_LEAST_LIMIT = 1 << 30
_PARTS = ('index', 'frames')
_MOST_EXPANSION = 1 << 10


def load_ticket(path: str | Path, max_bytes: int | None = None) -> Ticket:
    """Reads a ticket; every bit of mask and weights is what `save_ticket` was given.

    Args:
        path: The file.
        max_bytes: Most memory that mask and weights may take. By default 1024 times the file's
            size but at least 1 GiB, so that a small file cannot fill the memory.

    Raises:
        FileNotFoundError: If there is no such file.
        NotATicketError: If it is something else.
        TicketVersionError: If its version of the format is unknown.
        TicketTooLargeError: If it would take more than ``max_bytes``.
        DamagedTicketError: If anything in it is not as it was written.
    """
    return _named(path, lambda: _load(path, max_bytes))


def load_mask(path: str | Path, max_bytes: int | None = None) -> Mask:
    """Reads the mask of a ticket without its weights, which takes longest.

    Args:
        path: The file.
        max_bytes: The limit of `load_ticket`, but of the mask alone.

    Raises:
        FileNotFoundError: If there is no such file.
        TicketError: As `load_ticket`, but of damaged weights nothing is noticed.
    """
    return _named(path, lambda: _load(path, max_bytes, mask_alone=True)).mask


def load_info(path: str | Path) -> dict[str, Any]:
    """Reads what a ticket says of itself, without its weights.

    Raises:
        FileNotFoundError: If there is no such file.
        TicketError: As `load_ticket`.
    """
    return _named(path, lambda: _info(read_index(path)))


def is_ticket(path: str | Path) -> bool:
    """Returns whether a file says that it is a ticket, damaged or not."""
    try:
        return read_description(path).get('format') == FORMAT
    except (OSError, TicketError):
        return False


def read_index(path: str | Path) -> Index:
    """Reads the index of a ticket and checks it."""
    description = read_description(path)
    if isinstance(description.get('info'), dict):
        description = description['info']  # a rewind file of a search, or a ticket of version 1
    if description.get('format') != FORMAT:
        raise NotATicketError(f'a file of format {description.get("format")!r:.60}')
    version = description.get('version')
    if type(version) is not int or version != VERSION:
        raise TicketVersionError(
            f'a ticket of version {version!r:.60}; this mmlth reads version {VERSION}'
        )
    numbers = description.get('index')
    if not isinstance(numbers, list) or len(numbers) != 3:
        raise DamagedTicketError('its description lacks the index')
    length, crc, size = (natural(number, 'the index in its description') for number in numbers)
    frame = Frame(length, crc)
    if size > largest_index(length):
        raise DamagedTicketError(f'an index of {size} bytes, compressed to {length}')
    packed = read_part(path, 'index', _PARTS)
    text = decompress(packed.data, frame, size)
    try:
        return from_json(json.loads(text))
    except (ValueError, RecursionError) as error:
        if isinstance(error, TicketError):
            raise
        raise DamagedTicketError(f'its index is no JSON: {reason(error)}') from error


def _named(path: str | Path, read: Callable[[], Any]) -> Any:
    """Errors that name the file."""
    try:
        return read()
    except TicketError as error:
        raise type(error)(f'{path} is no ticket that can be read: {error}') from error


def _load(path: str | Path, max_bytes: int | None, mask_alone: bool = False) -> Ticket:
    with threads() as pool:
        frames = pool.submit(read_part, path, 'frames', _PARTS)  # while the index is checked
        index = read_index(path)
        if mask_alone:
            index = replace(index, groups=())
        return _assemble(index, frames, pool, path, max_bytes)


def _assemble(
    index: Index, read: Future[Array], pool: Executor, path: str | Path, max_bytes: int | None
) -> Ticket:
    size = Path(path).stat().st_size
    limit = max(_LEAST_LIMIT, _MOST_EXPANSION * size) if max_bytes is None else max_bytes
    if index.decoded_bytes > limit:
        raise TicketTooLargeError(
            f'{size} bytes on disk would take {index.decoded_bytes} bytes of memory, more than '
            f'{limit}; allow it by max_bytes if you trust the file'
        )
    info = _info(index)
    data = read.result().data
    ends = np.cumsum([0, *(frame.length for chunk in index.chunks for frame in chunk.frames)])
    if ends[-1] != len(data):
        raise DamagedTicketError(f'{len(data)} bytes of frames instead of {ends[-1]}')
    stored = [entry for entry in index.entries if entry.coding != 'tied']

    def empty(entry: Entry, dtype: torch.dtype) -> Tensor:
        """Memory of NumPy, which asks for huge pages: those of 4 kB take longer than decoding."""
        if not entry.numel:
            return torch.empty(entry.shape, dtype=dtype, device='cpu')
        flat = np.empty(entry.numel * dtype.itemsize, np.uint8)
        return torch.from_numpy(flat).view(dtype).reshape(entry.shape)

    masks = {e.name: empty(e, torch.bool) for e in stored if e.coding == 'masked'}
    groups = {group: {e.name: empty(e, DTYPES[e.dtype]) for e in stored} for group in index.groups}
    starts = np.cumsum([0, *(len(chunk.frames) for chunk in index.chunks)])

    def decode_chunk(i: int) -> None:
        chunk = index.chunks[i]
        frames = [
            (data[ends[j] : ends[j + 1]], frame)
            for j, frame in enumerate(chunk.frames, start=int(starts[i]))
        ]
        _decode(index, chunk, frames, masks, groups)

    list(pool.map(decode_chunk, range(len(index.chunks))))
    return Ticket(
        Mask({e.name: masks[e.name] for e in index.entries if e.coding == 'masked'}),
        _with_tied(index, groups['weights']) if 'weights' in groups else None,
        info,
        _with_tied(index, groups['initial']) if 'initial' in groups else None,
        index.values,
    )


def _decode(
    index: Index,
    chunk: Chunk,
    frames: list[tuple[memoryview, Frame]],
    masks: dict[str, Tensor],
    groups: dict[str, dict[str, Tensor]],
) -> None:
    """Decodes one chunk into the tensors that it has pieces of."""
    positions = None
    count = chunk.count
    if chunk.coding == 'masked':
        kept, positions = decode_mask(*frames.pop(0), chunk.gaps, count)
        _scatter(kept.view(np.uint8), chunk.pieces, masks)
        count = len(positions)
    size = index.size(chunk)
    each = frames_of(size)
    for i, group in enumerate(index.groups):
        numbers = decode(frames[i * each : (i + 1) * each], count, size)
        stored = index.stored(chunk)
        if stored != chunk.dtype:
            numbers = _lengthened(numbers, chunk.dtype, stored)
        if chunk.dtype == 'bool' and numbers.max(initial=0) > 1:
            raise DamagedTicketError('a truth value that is neither 0 nor 1')
        _scatter(numbers, chunk.pieces, groups[group], positions)


def _scatter(
    numbers: Array,
    pieces: tuple[Piece, ...],
    tensors: dict[str, Tensor],
    positions: Array | None = None,
) -> None:
    """Writes numbers where the pieces are, or at these positions of them and zero elsewhere."""
    start = 0
    for piece in pieces:
        target = as_uint(tensors[piece.entry.name])[piece.start : piece.stop]
        stop = start + piece.count
        if positions is None:
            target[:] = numbers[start:stop]
        else:
            first, last = np.searchsorted(positions, (start, stop))
            target[:] = 0  # here rather than all at once: by many threads, and still in the cache
            here = positions[first:last]
            target[here - start if start else here] = numbers[first:last]
        start = stop


def _lengthened(numbers: Array, dtype: str, values: str) -> Array:
    short = torch.from_numpy(numbers.view(f'i{numbers.itemsize}')).view(DTYPES[values])
    return as_uint(short.to(DTYPES[dtype]))


def _with_tied(index: Index, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    def find(entry: Entry) -> Tensor:
        return tensors[entry.tied_to or entry.name]

    return {entry.name: find(entry) for entry in index.entries}


def _info(index: Index) -> dict[str, Any]:
    try:
        info = info_from_json(index.info)
    except (ValueError, RecursionError) as error:
        raise DamagedTicketError(f'what it says of itself: {reason(error)}') from error
    if not isinstance(info, dict):
        raise DamagedTicketError('what it says of itself is no object')
    return info
