"""Checkpoints of torch: reading those of others as named tensors, writing tickets for others."""

import io
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmlth.messages import join_names, reason
from mmlth.pruning import Mask
from mmlth.ticket.atomic import write_bytes
from mmlth.ticket.errors import TicketError, TicketTooLargeError
from mmlth.ticket.nested_masks import weights_of_masks, without_masks
from mmlth.ticket.planes import DTYPES
from mmlth.ticket.ticket import Ticket
from mmlth.ticket.tree import to_json

Load = Callable[[Path], Any]

PLAIN = 'state dict'
_WRAPPER = 'module.'  # of DataParallel
_MOCO, _MOCO_OTHERS = 'encoder_q.', ('encoder_k.', 'queue')
_EXPECTED = "expected tensors by name, either the file itself or its entry 'state_dict'"
_LEAST_LIMIT = 1 << 28
_MOST_EXPANSION = 1 << 10
_OR_FOREIGN = ' (or torch.save never wrote it)'


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds.

    Attributes:
        form: What wrote it, as far as names say.
        tensors: The tensors of the model, without the prefix that all names had.
        info: What a ticket says of a model's data set and of the versions of its modules.
        prefix: The prefix that all names had.
        rest: What the file holds beside the tensors.
    """

    form: str
    tensors: dict[str, Tensor]
    info: dict[str, Any]
    prefix: str
    rest: dict[Any, Any]


def load_pickle(path: Path) -> Any:
    """Reads tensors and plain containers that ``torch.save`` wrote; no code in them is run."""
    return torch.load(path, map_location='cpu', weights_only=True)


def read_content(path: Path, load: Load = load_pickle) -> Mapping[Any, Any]:
    """Reads what a file holds by name.

    Args:
        path: The file.
        load: What reads it; the default runs no code that a file may hold.

    Raises:
        FileNotFoundError: If there is no such file.
        TicketError: If it is damaged, unsafe or anything else.
    """
    if not path.is_file():
        raise FileNotFoundError(f'{path} does not exist or is no file')
    content = _load(path, load)
    if not isinstance(content, Mapping):
        raise TicketError(f'{path} holds a {type(content).__name__}; {_EXPECTED}')
    return content


def as_tensors(content: Mapping[Any, Any], path: Path) -> Checkpoint:
    """Finds tensors by name, which are the file itself or its entry ``state_dict``.

    Where it is neither, they may be the one entry that masks in the file fit.

    Args:
        content: What the file holds.
        path: The path of the file, for messages.

    Raises:
        TicketError: If there are none, or if their names are of several models.
    """
    key, state = 'state_dict', content.get('state_dict', content)
    if state is content and not any(isinstance(value, Tensor) for value in content.values()):
        key, state = weights_of_masks(content) or (key, state)
    elif state is content:
        state = without_masks(content)
    if not isinstance(state, Mapping):
        raise TicketError(f"{path} holds a {type(state).__name__} as 'state_dict'; {_EXPECTED}")
    if not any(isinstance(value, Tensor) for value in state.values()):
        raise TicketError(f'{path} holds no tensors but {quoted(state) or "nothing"}; {_EXPECTED}')
    for name, value in state.items():
        _check_tensor(name, value, path)
    size = sum(value.numel() * value.element_size() for value in state.values())
    limit = max(_LEAST_LIMIT, _MOST_EXPANSION * path.stat().st_size)
    if size > limit:  # tensors that repeat few bytes
        raise TicketTooLargeError(f'{path} would take {size} bytes of memory, more than {limit}')
    form, prefix = _form(list(state), path)
    meta = content.get('meta')
    if form == PLAIN and isinstance(meta, Mapping):
        form = 'OpenMMLab checkpoint'
    tensors = {name: value.detach() for name, value in without_prefix(prefix, state).items()}
    info = _info(meta, getattr(state, '_metadata', None), prefix, path)
    own = state if key not in content else {key}
    rest = {name: value for name, value in content.items() if name not in own}
    return Checkpoint(form, tensors, info, prefix, rest)


def as_checkpoint(ticket: Ticket) -> dict[str, Any]:
    """A ticket as a checkpoint of MMEngine: trained weights, and what its data set says of itself.

    Raises:
        TicketMismatchError: If the ticket holds no trained weights.
        DamagedTicketError: If what it says of data set and modules makes no sense.
    """
    state: Any = OrderedDict(ticket.state_dict())
    # Without them modules take their parameters for those of an older version and rename them.
    versions = ticket.module_versions()
    state._metadata = OrderedDict((name, {'version': v}) for name, v in versions.items())
    data = ticket.dataset_meta()
    return {'meta': {'dataset_meta': data} if data else {}, 'state_dict': state}


def save_checkpoint(ticket: Ticket, path: str | Path) -> None:
    """Writes a ticket's trained weights, dense, as a checkpoint for those without mmlth.

    It is one of MMEngine that ``torch.load(path, weights_only=True)`` reads. Tied tensors stay
    tied; which zeros are pruned is lost.

    Args:
        ticket: A ticket with weights.
        path: The file; an earlier one is replaced.

    Raises:
        TicketError: As `as_checkpoint`.
        OSError: If the file cannot be written; an earlier one is left as it was.
    """
    checkpoint = as_checkpoint(ticket)
    buffer = io.BytesIO()  # torch.save reports a full disk as anything but an OSError
    torch.save({**checkpoint, 'meta': _plain(checkpoint['meta'])}, buffer)
    write_bytes(path, buffer.getvalue())


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns the tensors whose names begin with a prefix, by their names without it.

    Args:
        prefix: The prefix, such as ``'module.'``.
        tensors: The tensors by name.
    """
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def quoted(names: Iterable[Any]) -> str:
    """Joins the first of names that may be anything, and says how many there are beside."""
    return join_names((f'{name!r:.60}' for name in names), 3)


def refused_code(error: Exception) -> str | None:
    """Returns the function or class for which ``torch.load`` refused a file as unsafe, if any."""
    named = re.search(r'GLOBAL (.+?)(?= (?:was|is|whose) |\.?$)', str(error), re.MULTILINE)
    return named[1][:90] if named else None


def unreadable(path: str | Path, error: Exception) -> str:
    """Says in one line why a file cannot be read by ``torch.load``.

    What torch says is passed on only where it is harmless: it advises to read unsafely even what is
    no checkpoint at all.

    Args:
        path: The file.
        error: What ``torch.load`` raised.
    """
    refused = refused_code(error)
    if refused:
        return (
            f'{path} cannot be read without running code from it: it holds {refused}; if you trust '
            'it, load it where it comes from and save its tensors alone'
        )
    with open(path, 'rb') as file:
        start = file.read(9)
    if not start:
        return f'{path} is empty; expected a checkpoint that torch.save wrote'
    if start.startswith(b'PK'):  # a zip archive, as of torch.save
        if 'TorchScript' in str(error):
            return f'{path} is a TorchScript program, not a checkpoint; give that of its weights'
        return f'{path} is damaged: {_harmless(error)}{_OR_FOREIGN}'
    if start[8:] == b'{':
        return f'{path} looks like a file of safetensors; give it a name that ends in .safetensors'
    if start.startswith(b'\x80'):  # a pickle, as of torch.save before version 1.6
        return f'{path} is damaged: {_harmless(error)}{_OR_FOREIGN}'
    return (
        f'{path} is no checkpoint: neither torch.save nor safetensors wrote it; expected a file '
        'such as X.pth or X.safetensors'
    )


def _harmless(error: Exception) -> str:
    text = reason(error)
    return type(error).__name__ if 'weights_only' in text else text


def _load(path: Path, load: Load) -> Any:
    try:
        return load(path)
    except OSError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        own = str(error)  # of a loader that says all itself
        raise TicketError(own if own.startswith(str(path)) else unreadable(path, error)) from error


def _check_tensor(name: Any, value: Any, path: Path) -> None:
    wrong = None
    if not isinstance(name, str) or not name:
        wrong = 'is not named by a string'
    elif not isinstance(value, Tensor):
        wrong = f'is a {type(value).__name__}'
    elif value.layout != torch.strided or value.device.type != 'cpu':
        wrong = f'is a tensor of layout {value.layout} on {value.device}'
    elif str(value.dtype).removeprefix('torch.') not in DTYPES:
        wrong = f'is of type {value.dtype}, which a ticket cannot hold'
    if wrong:
        raise TicketError(
            f'{path}: the entry {name!r:.60} {wrong}; expected tensors with values alone, so save '
            'them without it'
        )


def _form(names: list[str], path: Path) -> tuple[str, str]:
    """Returns what wrote the file, as its names say, and how those of the model begin."""
    form, prefix = PLAIN, ''
    if any(name.startswith(_WRAPPER) for name in names):
        form, prefix = 'DataParallel checkpoint', _WRAPPER
    known = [prefix]
    if any(name.startswith(prefix + _MOCO) for name in names):
        known = [prefix + part for part in (_MOCO, *_MOCO_OTHERS)]
        form, prefix = 'MoCo checkpoint', prefix + _MOCO
    others = [name for name in names if not name.startswith(tuple(known))]
    if others:
        raise TicketError(
            f'{path} mixes names that begin with {prefix!r} and others: {quoted(others)}; keep '
            'those of one model and save them again'
        )
    return form, prefix


def _info(meta: Any, modules: Any, prefix: str, path: Path) -> dict[str, Any]:
    meta = meta if isinstance(meta, Mapping) else {}
    data = meta.get('dataset_meta')
    if data is None and meta.get('CLASSES') is not None:  # OpenMMLab before MMEngine
        data = {'classes': meta['CLASSES']}
    versions = {
        f'{name}.'.removeprefix(prefix).removesuffix('.'): entry.get('version')
        for name, entry in (modules if isinstance(modules, Mapping) else {}).items()
        if isinstance(entry, Mapping) and f'{name}.'.startswith(prefix)
    }
    ticket = Ticket(Mask({}), None, {'dataset_meta': data, 'module_versions': versions})
    try:
        described = {
            'dataset_meta': ticket.dataset_meta(),
            'module_versions': ticket.module_versions(),
        }
        to_json(described)
    except (TypeError, TicketError) as error:
        what = reason(error).removeprefix('a ticket ')
        raise TicketError(f'{path}: a ticket {what}; save it without that in its meta') from error
    return {key: value for key, value in described.items() if value}


def _plain(value: Any) -> Any:
    """Without NumPy, which ``torch.load(weights_only=True)`` refuses."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_plain(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value
