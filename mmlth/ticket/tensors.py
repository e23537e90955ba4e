"""Named tensors and a JSON description in one safetensors file."""

import errno
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mmlth.messages import reason
from mmlth.pruning import identity
from mmlth.ticket.atomic import atomic_path
from mmlth.ticket.container import KEY
from mmlth.ticket.errors import TicketError


def save_tensors(path: str | Path, tensors: Mapping[str, Tensor], info: dict[str, Any]) -> None:
    """Writes tensors and a description into a file that is whole or not there.

    Equal input gives equal bytes. Tensors that share memory, as tied parameters do, are stored
    once.

    Args:
        path: The file; an earlier one is replaced.
        tensors: The tensors by name.
        info: JSON values.

    Raises:
        OSError: If the file cannot be written; an earlier one is left as it was.
    """
    stored: dict[str, Tensor] = {}
    same_as: dict[str, str] = {}
    first: dict[tuple[Any, ...], str] = {}
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu()
        source = first.setdefault(identity(plain), name)
        if source != name and plain.numel():
            same_as[name] = source
            continue
        stored[name] = plain.contiguous()
    stored = _without_overlap(stored)
    header = json.dumps({'info': info, 'same_as': same_as})
    try:
        with atomic_path(path) as temporary:
            save_file(stored, temporary, metadata={KEY: header})
    except SafetensorError as error:
        # It is not an OSError even where the disk is full.
        code = errno.ENOSPC if 'No space left' in str(error) else errno.EIO
        raise OSError(code, reason(error), str(path)) from error


def load_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Reads what `save_tensors` wrote: the tensors (on the CPU, in no fixed order) and the info.

    Raises:
        FileNotFoundError: If there is no such file.
        TicketError: If the file is damaged or not one of ours.
    """
    header = _header(path)
    try:
        with safe_open(path, framework='pt') as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise TicketError(f'{path} is damaged: {reason(error)}') from error
    missing = set(header['same_as'].values()) - tensors.keys()
    if missing:
        raise TicketError(
            f'{path} is damaged: it refers to tensors that it lacks: {sorted(missing)}'
        )
    for name, source in header['same_as'].items():
        tensors[name] = tensors[source]
    return tensors, header['info']


def _header(path: str | Path) -> dict[str, Any]:
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path} does not exist or is no file')
    try:
        with safe_open(path, framework='pt') as file:
            text = (file.metadata() or {}).get(KEY)
        header = None if text is None else json.loads(text)
    except (SafetensorError, ValueError) as error:
        raise TicketError(f'{path} is damaged or no safetensors file: {reason(error)}') from error
    if header is None:
        raise TicketError(f'{path} is a safetensors file that mmlth did not write')
    if not isinstance(header, dict) or not {'info', 'same_as'} <= header.keys():
        raise TicketError(f'{path} is damaged: its header is incomplete')
    return header


def _without_overlap(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies of tensors that view the same storage, which safetensors refuses to write."""
    storages: set[int] = set()
    result = {}
    for name, tensor in tensors.items():
        pointer = tensor.untyped_storage().data_ptr()
        result[name] = tensor.clone() if pointer in storages else tensor
        storages.add(pointer)
    return result
