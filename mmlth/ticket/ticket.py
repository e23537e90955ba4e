"""A ticket: a mask, the weights trained under it, and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmlth.pruning.mask import Mask
from mmlth.ticket.tensors import TicketError, load_tensors, save_tensors

_FORMAT = 'mmlth-ticket'
_VERSION = 1


@dataclass
class Ticket:
    """A sparse subnetwork.

    Attributes:
        mask: The weights it keeps.
        weights: All parameters and buffers of the model by the names of its ``state_dict()``,
            as they were after training; pruned weights are zero.
        info: Where it comes from: round, metrics, seed, hash of the rewind state, config, …
            (JSON values).
    """

    mask: Mask
    weights: Mapping[str, Tensor]
    info: dict[str, Any] = field(default_factory=dict)

    def state_dict(self) -> dict[str, Tensor]:
        """The dense state dict, with the keys and shapes of the unmasked model."""
        return dict(self.weights)


def save_ticket(ticket: Ticket, path: str | Path) -> None:
    """Writes a ticket to one safetensors file: mask bits, surviving values, everything else.

    Args:
        ticket: The ticket. Pruned weights of ``ticket.weights`` must be zero.
        path: Where to; written atomically.

    Raises:
        ValueError: If a masked parameter is missing, of another shape, or not zero where pruned.
    """
    tensors: dict[str, Tensor] = {}
    shapes: dict[str, list[int]] = {}
    for name, weight in ticket.weights.items():
        if name not in ticket.mask:
            tensors[f'dense/{name}'] = weight
            continue
        kept = ticket.mask[name]
        weight = weight.detach().cpu()
        if weight.shape != kept.shape:
            raise ValueError(
                f'the mask of {name!r} has shape {tuple(kept.shape)}, '
                f'the weight {tuple(weight.shape)}'
            )
        values = weight[kept]
        # Exactly one count for both sides: what is not zero must be among the kept values.
        if int(torch.count_nonzero(weight)) != int(torch.count_nonzero(values)):
            raise ValueError(f'{name!r} has weights that are pruned but not zero')
        shapes[name] = list(kept.shape)
        tensors[f'mask/{name}'] = _pack(kept)
        tensors[f'values/{name}'] = values
    missing = ticket.mask.keys() - ticket.weights.keys()
    if missing:
        raise ValueError(f'the mask names parameters that the weights lack: {sorted(missing)}')
    header = {
        'format': _FORMAT,
        'version': _VERSION,
        'order': list(ticket.weights),
        'shapes': shapes,
        'ticket': ticket.info,
    }
    save_tensors(path, tensors, header)


def load_ticket(path: str | Path) -> Ticket:
    """Reads a ticket; every bit of mask and weights is what `save_ticket` was given.

    Raises:
        FileNotFoundError: If there is no such file.
        TicketError: If the file is damaged or no ticket.
    """
    tensors, header = load_tensors(path)
    if header.get('format') != _FORMAT:
        raise TicketError(f'{path} is no ticket')
    if header.get('version') != _VERSION:
        raise TicketError(
            f'{path} is a ticket of version {header.get("version")}; this mmlth reads {_VERSION}'
        )
    masks: dict[str, Tensor] = {}
    weights: dict[str, Tensor] = {}
    try:
        for name in header['order']:
            if name not in header['shapes']:
                weights[name] = tensors[f'dense/{name}']
                continue
            shape = header['shapes'][name]
            values = tensors[f'values/{name}']
            masks[name] = _unpack(tensors[f'mask/{name}'], shape)
            if values.numel() != int(masks[name].sum()):
                raise ValueError(f'{values.numel()} values for the kept weights of {name!r}')
            weights[name] = torch.zeros(shape, dtype=values.dtype)
            weights[name][masks[name]] = values
    except (KeyError, RuntimeError, ValueError, IndexError) as error:
        raise TicketError(f'{path} is damaged: {error}') from error
    return Ticket(Mask(masks), weights, header['ticket'])


def _pack(kept: Tensor) -> Tensor:
    """Eight weights a byte, over the flattened tensor, first weight in the lowest bit."""
    return torch.from_numpy(np.packbits(kept.cpu().numpy().reshape(-1), bitorder='little'))


def _unpack(packed: Tensor, shape: list[int]) -> Tensor:
    count = int(np.prod(shape, dtype=np.int64))
    if packed.numel() != (count + 7) // 8:
        raise ValueError(f'a mask of {packed.numel()} bytes for {count} weights')
    bits = np.unpackbits(packed.numpy(), count=count, bitorder='little')
    return torch.from_numpy(bits.astype(bool)).reshape(shape)
