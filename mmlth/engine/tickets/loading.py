"""Tickets wherever MMEngine takes a checkpoint: ``load_from``, ``--checkpoint``, ``init_model``.

MMEngine loads what fits of a checkpoint and logs the rest. A ticket is either the model's or not:
where names or shapes differ, nothing is loaded.
"""

import functools
import os
import re
from collections import OrderedDict
from typing import Any

import mmengine.runner.checkpoint
import torch
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import load_from_local
from torch import Tensor, nn

from mmlth.engine.tickets.matching import require_match
from mmlth.pruning import identity
from mmlth.ticket import (
    Ticket,
    TicketMismatchError,
    as_checkpoint,
    is_ticket,
    load_ticket,
    without_prefix,
)

_LOCAL = r'(?!.*://).*\.safetensors$'
"""Names of files; what else ends so, like ``s3://…``, is left to the loaders of its kind."""


class _OfTicket(OrderedDict[str, Any]):
    """The metadata of a state dict that came from a ticket; MMEngine hands it on unchanged."""

    path: str


@CheckpointLoader.register_scheme(prefixes=_LOCAL)
def load_from_ticket(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Loader of tickets; other files of that name are left to MMEngine."""
    path = os.path.expanduser(filename)
    if os.path.isfile(path) and not is_ticket(path):
        return load_from_local(filename, map_location)
    checkpoint = checkpoint_of(load_ticket(path))
    state = checkpoint['state_dict']
    placed: dict[tuple[Any, ...], Tensor] = {}
    for name, tensor in state.items():
        key = identity(tensor)  # tied tensors stay tied
        if key not in placed:
            placed[key] = _placed(tensor, map_location)
        state[name] = placed[key]
    state._metadata.path = path
    return checkpoint


def checkpoint_of(ticket: Ticket) -> dict[str, Any]:
    """A ticket as a checkpoint of MMEngine that is known to be of a ticket.

    Raises:
        TicketError: As `mmlth.ticket.checkpoint.as_checkpoint`.
    """
    checkpoint = as_checkpoint(ticket)
    state = checkpoint['state_dict']
    state._metadata = _OfTicket(state._metadata)
    return checkpoint


def install_ticket_loading() -> None:
    """Makes MMEngine refuse tickets of other models. Calling it again changes nothing."""
    module: Any = mmengine.runner.checkpoint
    original, original_part = module.load_state_dict, module._load_checkpoint_with_prefix
    if hasattr(original, 'refuses_tickets'):
        return

    @functools.wraps(original)
    def load_state_dict(module: nn.Module, state_dict: Any, *args: Any, **kwargs: Any) -> None:
        metadata = getattr(state_dict, '_metadata', None)
        if isinstance(metadata, _OfTicket):
            require_match(getattr(metadata, 'path', 'this'), state_dict, module)
        return original(module, state_dict, *args, **kwargs)

    @functools.wraps(original_part)
    def load_part(prefix: str, filename: str, map_location: Any = None) -> Any:
        if re.match(_LOCAL, str(filename)) and is_ticket(os.path.expanduser(filename)):
            return _part(f'{prefix.removesuffix(".")}.', filename, map_location)
        return original_part(prefix, filename, map_location)

    load_state_dict.refuses_tickets = True  # type: ignore[attr-defined]
    module.load_state_dict = load_state_dict
    module._load_checkpoint_with_prefix = load_part


def _part(prefix: str, filename: str, map_location: Any) -> OrderedDict[str, Tensor]:
    """What a ticket holds of a part of its model; MMEngine would forget that it is of a ticket."""
    state = CheckpointLoader.load_checkpoint(filename, map_location)['state_dict']
    part: Any = OrderedDict(without_prefix(prefix, state))
    if not part:
        raise TicketMismatchError(
            f'{filename} holds nothing whose name begins with {prefix!r}; nothing was loaded'
        )
    part._metadata = _OfTicket(
        (f'{name}.'.removeprefix(prefix).removesuffix('.'), version)
        for name, version in state._metadata.items()
        if f'{name}.'.startswith(prefix)
    )
    part._metadata.path = f'{prefix}* of {state._metadata.path}'
    return part


def _placed(tensor: Tensor, map_location: Any) -> Tensor:
    """A tensor of the CPU where ``torch.load(map_location=…)`` would put it."""
    if isinstance(map_location, dict):
        map_location = map_location.get('cpu')
    if map_location is None:
        return tensor
    if isinstance(map_location, (str, torch.device)):
        return tensor.to(map_location)
    storage = map_location(tensor.untyped_storage(), 'cpu')
    if storage is None:
        return tensor
    placed = torch.empty(0, dtype=tensor.dtype, device=storage.device)
    return placed.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())
