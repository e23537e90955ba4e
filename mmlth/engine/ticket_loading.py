"""Tickets wherever MMEngine takes a checkpoint: ``load_from``, ``--checkpoint``, ``init_model``.

MMEngine loads what fits of a checkpoint and logs the rest. A ticket is either the model's or not:
where names or shapes differ, nothing is loaded.
"""

import functools
import os
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import mmengine.runner.checkpoint
from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import CheckpointLoader, Runner
from mmengine.runner.checkpoint import load_from_local
from torch import Tensor, nn

from mmlth.engine.training_state import bare_model
from mmlth.ticket import Ticket, TicketMismatchError, is_ticket, load_ticket

_SHOWN = 4


class _OfTicket(OrderedDict[str, Any]):
    """The metadata of a state dict that came from a ticket; MMEngine hands it on unchanged."""

    path: str


@CheckpointLoader.register_scheme(prefixes=r'.*\.safetensors$')
def load_from_ticket(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Loader of tickets; other files of that name are left to MMEngine."""
    path = os.path.expanduser(filename)
    if os.path.isfile(path) and not is_ticket(path):
        return load_from_local(filename, map_location)
    checkpoint = as_checkpoint(load_ticket(path))
    state = checkpoint['state_dict']
    if map_location is not None and not callable(map_location):
        for name, tensor in state.items():
            state[name] = tensor.to(map_location)
    state._metadata.path = path
    return checkpoint


def as_checkpoint(ticket: Ticket) -> dict[str, Any]:
    """A ticket as a checkpoint of MMEngine: trained weights, and what its data set says of itself.

    Raises:
        TicketMismatchError: If the ticket holds no trained weights.
    """
    state: Any = OrderedDict(ticket.state_dict())
    # Without them modules take their parameters for those of an older version and rename them.
    versions = ticket.info.get('module_versions') or {}
    state._metadata = _OfTicket({name: {'version': v} for name, v in versions.items()})
    meta = {key: ticket.info[key] for key in ('dataset_meta',) if ticket.info.get(key)}
    return {'state_dict': state, 'meta': meta}


def loading_info(runner: Runner) -> dict[str, Any]:
    """What a ticket must say of itself so that `as_checkpoint` is as good as a checkpoint."""
    versions = getattr(bare_model(runner).state_dict(), '_metadata', {})
    return {
        'dataset_meta': getattr(runner.train_dataloader.dataset, 'metainfo', None),
        'module_versions': {name: each.get('version') for name, each in versions.items()},
    }


def require_match(path: str, state: Mapping[str, Tensor], model: nn.Module) -> None:
    """Refuses a ticket of another architecture.

    Raises:
        TicketMismatchError: Naming the first parameters that either side lacks, or whose shapes
            differ.
    """
    bare: Any = model
    while is_model_wrapper(bare) or isinstance(bare, BaseTTAModel):
        bare = bare.module
    own = bare.state_dict()
    unknown = [name for name in state if name not in own]
    missing = [
        name
        for name in own
        if name not in state and 'num_batches_tracked' not in name  # as MMEngine has it
    ]
    shapes = [
        f'{name} {tuple(state[name].shape)} in the ticket, {tuple(own[name].shape)} in the model'
        for name in state
        if name in own and state[name].shape != own[name].shape
    ]
    differences = [
        f'{what}: {", ".join(found[:_SHOWN])}'
        + (f' and {len(found) - _SHOWN} more' if len(found) > _SHOWN else '')
        for what, found in (
            ('the model lacks', unknown),
            ('the ticket lacks', missing),
            ('other shapes', shapes),
        )
        if found
    ]
    if differences:
        raise TicketMismatchError(
            f'{path} is a ticket of another model than {type(model).__name__}; nothing was '
            f'loaded; {"; ".join(differences)}'
        )


def install_ticket_loading() -> None:
    """Makes MMEngine refuse tickets of other models. Calling it again changes nothing."""
    original = mmengine.runner.checkpoint.load_state_dict
    if hasattr(original, 'refuses_tickets'):
        return

    @functools.wraps(original)
    def load_state_dict(module: nn.Module, state_dict: Any, *args: Any, **kwargs: Any) -> None:
        metadata = getattr(state_dict, '_metadata', None)
        if isinstance(metadata, _OfTicket):
            require_match(getattr(metadata, 'path', 'this'), state_dict, module)
        return original(module, state_dict, *args, **kwargs)

    load_state_dict.refuses_tickets = True  # type: ignore[attr-defined]
    mmengine.runner.checkpoint.load_state_dict = load_state_dict
