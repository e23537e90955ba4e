"""A safetensors file that holds byte strings and one JSON description."""

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from mmlth.messages import reason
from mmlth.ticket.atomic import atomic_path
from mmlth.ticket.errors import DamagedTicketError, NotATicketError
from mmlth.ticket.planes import Array

KEY = 'mmlth'
"""The only metadata key: libraries that write several write them in no fixed order."""
_MAX_HEADER = 1 << 20


def write_container(
    path: str | Path, description: Mapping[str, Any], parts: Mapping[str, Sequence[bytes]]
) -> None:
    """Writes a file that is whole or not there; each part is its byte strings joined, of type U8.

    The safetensors library would want each part in one piece, which is a second copy of it in
    memory, so the container, which is short, is written here.

    Args:
        path: The file; an earlier one is replaced.
        description: JSON values for its header.
        parts: Byte strings by the name of the part.

    Raises:
        OSError: If the file cannot be written; an earlier one is left as it was.
    """
    header: dict[str, Any] = {'__metadata__': {KEY: json.dumps(description)}}
    offset = 0
    for name, pieces in parts.items():
        size = sum(map(len, pieces))
        header[name] = {'dtype': 'U8', 'shape': [size], 'data_offsets': [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with atomic_path(path) as temporary, temporary.open('wb') as file:
        file.write(struct.pack('<Q', len(text)) + text)
        for pieces in parts.values():
            file.writelines(pieces)


def read_description(path: str | Path) -> dict[str, Any]:
    """Reads the JSON description of a file.

    Raises:
        FileNotFoundError: If there is no such file.
        NotATicketError: If it is no safetensors file, or one that mmlth did not write.
        DamagedTicketError: If its description is no JSON object.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path} does not exist or is no file')
    try:
        with safe_open(path, framework='numpy') as file:
            text = (file.metadata() or {}).get(KEY)
    except (SafetensorError, ValueError) as error:
        raise NotATicketError(f'no safetensors file: {reason(error)}') from error
    if text is None:
        raise NotATicketError('a safetensors file that mmlth did not write')
    return _object(text)


def read_part(path: str | Path, name: str, names: Iterable[str]) -> Array:
    """Reads one part of a file.

    Args:
        path: The file.
        name: The name of the part.
        names: The names of all parts that the file must have, and no others.

    Raises:
        DamagedTicketError: If it has other parts, or its header is damaged.
    """
    try:
        header, start = _header(path)
        with safe_open(path, framework='numpy') as file:  # checks all that a header can say
            present = set(file.keys())
        if present != set(names):
            raise DamagedTicketError(f'it holds {sorted(present)[:9]}, not {sorted(names)}')
        part = header[name]
        begin, end = part['data_offsets']
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, DamagedTicketError):
            raise
        raise DamagedTicketError(reason(error)) from error
    if part['dtype'] != 'U8' or len(part['shape']) != 1:
        raise DamagedTicketError(f'{name} is {part["dtype"]} of shape {part["shape"]}, not bytes')
    with open(path, 'rb') as file:
        file.seek(start + begin)
        return np.fromfile(file, np.uint8, end - begin)


def _header(path: str | Path) -> tuple[dict[str, Any], int]:
    """The header of a file, and where it ends; of equal names the library takes the last."""

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise DamagedTicketError('its header repeats a name')
        return dict(pairs)

    with open(path, 'rb') as file:
        (size,) = struct.unpack('<Q', file.read(8))
        if size > _MAX_HEADER:
            raise DamagedTicketError(f'a header of {size} bytes')
        return json.loads(file.read(size), object_pairs_hook=distinct), 8 + size


def _object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedTicketError(f'its description is no JSON: {reason(error)}') from error
    if not isinstance(content, dict):
        raise DamagedTicketError('its description is no JSON object')
    return content
