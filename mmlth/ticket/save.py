"""Writing tickets."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmlth.messages import join_names
from mmlth.pruning import identity
from mmlth.ticket.bitmap import encode_mask
from mmlth.ticket.container import write_container
from mmlth.ticket.errors import TicketMismatchError
from mmlth.ticket.frames import compress, describe
from mmlth.ticket.index import CODINGS, Chunk, Entry, Index, largest_index, make_chunks, stored_as
from mmlth.ticket.planes import DTYPES, Array, as_uint, encode
from mmlth.ticket.threads import threads
from mmlth.ticket.ticket import Ticket
from mmlth.ticket.tree import to_json

FORMAT = 'mmlth-ticket'
VERSION = 2
"""Version 1 was never released."""

Groups = dict[str, Mapping[str, Tensor]]


def save_ticket(ticket: Ticket, path: str | Path, values: str | None = None) -> None:
    """Writes a ticket to one safetensors file; see docs/en/reference/ticket-format.md.

    Equal tickets give equal bytes, where the keys of their ``info`` have the same order and the
    same tensors are tied. Memory stays below one dense copy of the weights.

    Args:
        ticket: The ticket. Pruned weights must be exactly +0.
        path: Where to; written atomically.
        values: ``'float16'`` or ``'bfloat16'`` stores kept weights of longer types in that type,
            which loses bits of theirs; they are read back in their own type. By default nothing
            is lost. Weights that were read rounded, and are still the same, stay so labelled.

    Raises:
        TicketMismatchError: If a masked parameter is missing, of another shape, not zero where it
            is pruned, or too large for ``values``.
        ValueError: If ``values`` is another type, a tensor's type cannot be stored, or ``info``
            is too large.
        TypeError: If ``info`` holds what a ticket cannot.
        OSError: If the file cannot be written; an earlier one is left as it was.
    """
    if values not in (None, 'float16', 'bfloat16'):
        raise ValueError(f"values must be 'float16', 'bfloat16' or None, got {values!r}")
    groups = {
        name: group
        for name, group in (('weights', ticket.weights), ('initial', ticket.initial))
        if group is not None
    }
    entries = _entries(ticket, groups)
    values = values or _still_rounded(ticket)
    chunks = make_chunks(entries)
    mask = {name: kept.cpu().contiguous() for name, kept in ticket.mask.items()}
    with threads() as pool:
        coded = list(pool.map(lambda chunk: _encode(chunk, mask, groups, values), chunks))
    frames = [frame for frames, _ in coded for frame in frames]
    described = tuple(
        Chunk(chunk.coding, chunk.dtype, chunk.pieces, tuple(map(describe, frames)), gaps)
        for chunk, (frames, gaps) in zip(chunks, coded)
    )
    ticket.dataset_meta(), ticket.module_versions()  # of which readers refuse what makes no sense
    index = Index(entries, tuple(groups), values, described, to_json(ticket.info))
    text = json.dumps(index.to_json(), separators=(',', ':'), ensure_ascii=False).encode()
    packed = compress(text)
    if len(text) > largest_index(len(packed)):
        raise ValueError(
            f'what the ticket says of itself takes {len(text)} bytes, more than a reader would '
            'accept; leave large values out of its info'
        )
    frame = describe(packed)
    description = {
        'format': FORMAT,
        'version': VERSION,
        'index': [frame.length, frame.crc, len(text)],
    }
    write_container(path, description, {'index': [packed], 'frames': frames})


def _entries(ticket: Ticket, groups: Groups) -> tuple[Entry, ...]:
    if not groups:
        return tuple(
            Entry(name, 'bool', tuple(kept.shape), 'masked') for name, kept in ticket.mask.items()
        )
    if 'weights' not in groups:
        raise TicketMismatchError('a ticket that holds initial weights needs trained ones, too')
    _check_groups(ticket, groups)
    entries: list[Entry] = []
    sources: dict[Any, str] = {}
    for name in sorted(groups['weights'], key=lambda name: name not in ticket.mask):
        sources.setdefault(_memory(name, groups), name)  # a name with a mask, if there is one
    for name, weight in groups['weights'].items():
        dtype = str(weight.dtype).removeprefix('torch.')
        if dtype not in DTYPES:
            raise ValueError(f'{name!r} is of type {dtype}, which a ticket cannot hold')
        source = sources[_memory(name, groups)]
        if source != name and source not in CODINGS and name not in ticket.mask:
            entries.append(Entry(name, dtype, tuple(weight.shape), 'tied', source))
        else:
            coding = 'masked' if name in ticket.mask else 'plain'
            entries.append(Entry(name, dtype, tuple(weight.shape), coding))
    return tuple(entries)


def _memory(name: str, groups: Groups) -> tuple[Any, ...]:
    return tuple(identity(group[name]) for group in groups.values())


def _still_rounded(ticket: Ticket) -> str | None:
    """The type that a ticket's weights were rounded to, unless they have changed since."""
    if ticket.values is None:
        return None
    short = DTYPES[ticket.values]
    for group in filter(None, (ticket.weights, ticket.initial)):
        for name in ticket.mask:
            weight = group[name]
            if not torch.equal(weight, weight.to(short).to(weight.dtype)):
                return None
    return ticket.values


def _check_groups(ticket: Ticket, groups: Groups) -> None:
    weights = groups['weights']
    missing = sorted(ticket.mask.keys() - weights.keys())
    if missing:
        raise TicketMismatchError(f'the weights lack what the mask names: {join_names(missing)}')
    for group in groups.values():
        if group.keys() != weights.keys():
            raise TicketMismatchError(
                'trained and initial weights have different names: '
                f'{join_names(sorted(group.keys() ^ weights.keys()))}'
            )
        for name, tensor in group.items():
            expected = weights[name]
            if (tensor.shape, tensor.dtype) != (expected.shape, expected.dtype):
                raise TicketMismatchError(
                    f'{name!r} is {tensor.dtype} {tuple(tensor.shape)} where it starts and '
                    f'{expected.dtype} {tuple(expected.shape)} once trained'
                )
        for name, kept in ticket.mask.items():
            if group[name].shape != kept.shape:
                raise TicketMismatchError(
                    f'the mask of {name!r} has shape {tuple(kept.shape)}, '
                    f'the weight {tuple(group[name].shape)}'
                )


def _encode(
    chunk: Chunk, mask: Mapping[str, Tensor], groups: Groups, values: str | None
) -> tuple[list[bytes], bool]:
    """The frames of a chunk, and whether its mask is stored as gaps."""
    frames = []
    kept, gaps = None, False
    if chunk.coding == 'masked':
        kept = _join([_slice(mask[p.entry.name], p.start, p.stop) for p in chunk.pieces]).view(bool)
        frame, gaps = encode_mask(kept)
        frames.append(frame)
    for group in groups.values():
        numbers = _join([_slice(group[p.entry.name], p.start, p.stop) for p in chunk.pieces])
        if kept is not None:
            chosen = np.compress(kept, numbers)  # twice as fast as indexing
            # What is not zero must be among the kept numbers; −0 has a bit, too.
            if np.count_nonzero(numbers) != np.count_nonzero(chosen):
                names = join_names(sorted({piece.entry.name for piece in chunk.pieces}))
                raise TicketMismatchError(
                    f'{names}: weights that are pruned but not +0; zero them by '
                    'mmlth.masked(weights, mask)'
                )
            stored = stored_as(chunk, values)
            numbers = chosen if stored == chunk.dtype else _shortened(chosen, chunk.dtype, stored)
        frames += encode(numbers)
    return frames, gaps


def _slice(tensor: Tensor, start: int, stop: int) -> Array:
    # Cut first: of a tensor on another device only this much comes here at a time.
    return as_uint(tensor.detach().contiguous().view(-1)[start:stop])


def _join(arrays: list[Array]) -> Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _shortened(numbers: Array, dtype: str, values: str) -> Array:
    """Numbers of another type, as `as_uint` gives them."""
    exact = torch.from_numpy(numbers.view(f'i{numbers.itemsize}')).view(DTYPES[dtype])
    if not exact.is_floating_point():
        raise ValueError(f'values={values!r} is for weights of floating point, got {dtype}')
    rounded = exact.to(DTYPES[values])
    if not torch.equal(rounded.isfinite(), exact.isfinite()):
        raise TicketMismatchError(
            f'there are weights too large for {values}, whose largest number is '
            f"{torch.finfo(DTYPES[values]).max:.3g}; give values='bfloat16' or none"
        )
    return as_uint(rounded)
