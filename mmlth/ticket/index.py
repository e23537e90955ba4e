"""The index of a ticket file: which tensors it holds and how its frames follow each other."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mmlth.ticket.errors import DamagedTicketError
from mmlth.ticket.frames import Frame
from mmlth.ticket.planes import DTYPES, frames_of

GROUPS = ('weights', 'initial')
"""Trained weights, and those that training started from."""
CODINGS = ('masked', 'plain')
CHUNK = 1 << 20
"""Most numbers in a chunk; chunks are coded independently, so several at a time."""
_POOL = 1 << 16  # smaller tensors share a chunk: each frame costs some twenty bytes
_MAX_ELEMENTS = 1 << 40
_MAX_INDEX = 1 << 23  # some 60,000 tensors; as Python objects it takes fifty times as much
_SMALL_INDEX = 1 << 20
_MOST_EXPANSION = 32
_ENTRY_BYTES = 1 << 10


def largest_index(compressed: int) -> int:
    """Returns how many bytes an index may have that takes so many when compressed.

    Ours are compressed to a fifth. One that expands far more was made to fill the memory.
    """
    return min(_MAX_INDEX, max(_SMALL_INDEX, _MOST_EXPANSION * compressed))


@dataclass(frozen=True)
class Entry:
    """One tensor.

    Attributes:
        name: As in the model's ``state_dict()``.
        dtype: A key of `DTYPES`.
        shape: Its shape.
        coding: ``'masked'``, ``'plain'``, or ``'tied'``: the same tensor as ``tied_to``.
        tied_to: The other name of a tied tensor.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    coding: str
    tied_to: str | None = None

    @property
    def numel(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Piece:
    """A range of one tensor's flattened elements."""

    entry: Entry
    start: int
    stop: int

    @property
    def count(self) -> int:
        """Number of elements."""
        return self.stop - self.start


@dataclass(frozen=True)
class Chunk:
    """Consecutive elements of the tensors of one coding and dtype, flattened one after another.

    Attributes:
        coding: ``'masked'`` or ``'plain'``.
        dtype: Type of the elements.
        pieces: The elements, in order.
        frames: The mask's frame if masked, then for each group those of `planes.encode`.
        gaps: Whether the mask's frame holds gaps rather than bits; see `mmlth.ticket.bitmap`.
    """

    coding: str
    dtype: str
    pieces: tuple[Piece, ...]
    frames: tuple[Frame, ...] = ()
    gaps: bool = False

    @property
    def count(self) -> int:
        """Number of elements."""
        return sum(piece.count for piece in self.pieces)


@dataclass(frozen=True)
class Index:
    """All that a file says of its frames.

    Attributes:
        entries: The tensors, in the order of the ``state_dict()``.
        groups: The groups of `GROUPS` that the file holds.
        values: The type that masked numbers are stored in if not their own: they lost bits.
        chunks: The chunks, in the order of the frames.
        info: What the ticket says of itself.
    """

    entries: tuple[Entry, ...]
    groups: tuple[str, ...]
    values: str | None
    chunks: tuple[Chunk, ...]
    info: Any

    def size(self, chunk: Chunk) -> int:
        """Bytes that a number of this chunk is stored in."""
        return DTYPES[self.stored(chunk)].itemsize

    def stored(self, chunk: Chunk) -> str:
        """The type that numbers of this chunk are stored in."""
        return stored_as(chunk, self.values)

    @property
    def decoded_bytes(self) -> int:
        """Memory that tensors and masks take once read."""
        return sum(
            _ENTRY_BYTES
            + entry.numel
            * (len(self.groups) * DTYPES[entry.dtype].itemsize + (entry.coding == 'masked'))
            for entry in self.entries
            if entry.coding != 'tied'
        )

    def to_json(self) -> dict[str, Any]:
        """The index as JSON values."""
        return {
            'tensors': [[e.name, e.dtype, e.shape, e.tied_to or e.coding] for e in self.entries],
            'groups': self.groups,
            'values': self.values,
            'chunks': [
                [
                    'gaps' if c.gaps else c.coding,
                    c.dtype,
                    c.count,
                    [[f.length, f.crc] for f in c.frames],
                ]
                for c in self.chunks
            ],
            'info': self.info,
        }


def stored_as(chunk: Chunk, values: str | None) -> str:
    """Returns the type of a chunk's numbers on disk.

    Args:
        chunk: The chunk.
        values: What kept weights of longer types are rounded to; None: nothing is rounded.
    """
    if values is None or chunk.coding != 'masked':
        return chunk.dtype
    return values if DTYPES[chunk.dtype].itemsize > DTYPES[values].itemsize else chunk.dtype


def make_chunks(entries: Sequence[Entry]) -> list[Chunk]:
    """Makes chunks for the writer: large tensors in chunks of their own, small ones pooled."""
    chunks = []
    for coding, dtype, stream in _streams(entries):
        pool: list[Piece] = []
        pooled = 0
        for entry in stream:
            for start in range(0, entry.numel, CHUNK):
                piece = Piece(entry, start, min(start + CHUNK, entry.numel))
                if pooled + piece.count > CHUNK:
                    chunks.append(Chunk(coding, dtype, tuple(pool)))
                    pool, pooled = [], 0
                pool.append(piece)
                pooled += piece.count
                if pooled >= _POOL:
                    chunks.append(Chunk(coding, dtype, tuple(pool)))
                    pool, pooled = [], 0
        if pool:
            chunks.append(Chunk(coding, dtype, tuple(pool)))
    return chunks


def from_json(content: Any) -> Index:
    """Reads the index from JSON values, all of it checked; no memory is taken for tensors.

    Raises:
        DamagedTicketError: If anything is not as `Index.to_json` writes it.
    """
    _need(isinstance(content, dict), 'the index is no object')
    keys = {'tensors', 'groups', 'values', 'chunks', 'info'}
    _need(content.keys() == keys, 'the index has keys {}', sorted(map(str, content))[:9])
    entries = _entries(content['tensors'])
    groups = _list(content['groups'])
    _need(groups in ([], ['weights'], ['weights', 'initial']), 'groups {}', groups)
    values = content['values']
    _need(values in (None, 'float16', 'bfloat16'), 'values {}', values)
    for entry in entries:
        exact = values is None or entry.coding != 'masked'
        _need(exact or DTYPES[entry.dtype].is_floating_point, 'rounded values of {}', entry.dtype)
    index = Index(entries, tuple(groups), values, (), content['info'])
    chunks = tuple(_chunks(index, _list(content['chunks'])))
    return Index(entries, tuple(groups), values, chunks, content['info'])


def natural(value: Any, what: str) -> int:
    """Checks that a value is a whole number that is not negative, and returns it.

    Args:
        value: What stands in a file.
        what: What it should be, for the message.

    Raises:
        DamagedTicketError: If it is anything else.
    """
    _need(type(value) is int and 0 <= value <= _MAX_ELEMENTS, what + ': {}', value)
    return value


def _streams(entries: Sequence[Entry]) -> Iterator[tuple[str, str, list[Entry]]]:
    """The tensors of each coding and dtype, in the order in which these first appear."""
    streams: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if entry.coding != 'tied':
            streams.setdefault((entry.coding, entry.dtype), []).append(entry)
    for (coding, dtype), stream in streams.items():
        yield coding, dtype, stream


def _entries(rows: Any) -> tuple[Entry, ...]:
    entries: dict[str, Entry] = {}
    for row in _list(rows):
        _need(isinstance(row, list) and len(row) == 4, 'a tensor {}', row)
        name, dtype, shape, coding = row
        _need(isinstance(name, str) and name != '', 'a tensor named {}', name)
        _need(name not in entries, 'two tensors named {}', name)
        _need(isinstance(dtype, str) and dtype in DTYPES, 'a tensor of type {}', dtype)
        _need(isinstance(coding, str), 'a tensor of coding {}', coding)
        shape = tuple(natural(side, 'the side of a shape') for side in _list(shape))
        # Sides of 0 do not excuse large ones: torch multiplies all others.
        elements = math.prod(max(side, 1) for side in shape)
        _need(len(shape) <= 64 and elements <= _MAX_ELEMENTS, 'a tensor of shape {}', shape)
        tied_to = None if coding in CODINGS else coding
        entries[name] = Entry(name, dtype, shape, 'tied' if tied_to else coding, tied_to)
    for entry in entries.values():
        if entry.tied_to is not None:
            source = entries.get(entry.tied_to)
            _need(
                source is not None
                and source.tied_to is None
                and (source.dtype, source.shape) == (entry.dtype, entry.shape),
                'a tensor is tied to {}',
                entry.tied_to,
            )
    return tuple(entries.values())


def _chunks(index: Index, rows: list[Any]) -> Iterator[Chunk]:
    rows = rows[::-1]
    for coding, dtype, stream in _streams(index.entries):
        pieces = [Piece(entry, 0, entry.numel) for entry in stream if entry.numel][::-1]
        while pieces:
            _need(bool(rows), 'chunks are missing')
            row = rows.pop()
            _need(isinstance(row, list) and len(row) == 4, 'a chunk {}', row)
            gaps = coding == 'masked' and row[0] == 'gaps'
            fits = (gaps or row[0] == coding) and row[1] == dtype
            _need(fits, f'among {coding} {dtype} a chunk of {{}}', row[:2])
            count = natural(row[2], 'the size of a chunk')
            _need(0 < count <= CHUNK, 'a chunk of {} numbers', count)
            frames = tuple(map(_frame, _list(row[3])))
            chunk = Chunk(coding, dtype, tuple(_take(pieces, count)), frames, gaps)
            expected = (coding == 'masked') + len(index.groups) * frames_of(index.size(chunk))
            _need(len(frames) == expected, '{} frames for a chunk', len(frames))
            yield chunk
    _need(not rows, 'there are chunks of no tensor')


def _take(pieces: list[Piece], count: int) -> Iterator[Piece]:
    """Takes ``count`` elements off the end of reversed pieces."""
    while count:
        _need(bool(pieces), 'a chunk is longer than its tensors')
        piece = pieces.pop()
        if piece.count > count:
            pieces.append(Piece(piece.entry, piece.start + count, piece.stop))
            piece = Piece(piece.entry, piece.start, piece.start + count)
        count -= piece.count
        yield piece


def _frame(row: Any) -> Frame:
    _need(isinstance(row, list) and len(row) == 2, 'a frame {}', row)
    return Frame(natural(row[0], 'the length of a frame'), natural(row[1], 'a checksum'))


def _list(value: Any) -> list[Any]:
    _need(isinstance(value, list), '{} instead of a list', value)
    return value


def _need(holds: bool, problem: str, *values: Any) -> None:
    if not holds:  # only now is anything formatted: there may be millions of rows
        raise DamagedTicketError(problem.format(*(f'{value!r:.60}' for value in values)))
