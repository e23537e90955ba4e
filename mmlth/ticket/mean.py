"""The mean of networks that share a mask, tensor by tensor (*Sparse Model Soups*, Zimmer 2023)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmlth.messages import join_names
from mmlth.pruning import Mask, identity
from mmlth.ticket.errors import TicketMismatchError
from mmlth.ticket.planes import as_uint
from mmlth.ticket.ticket import Ticket


@dataclass(frozen=True)
class Mean:
    """What tickets of one mask have in common.

    Attributes:
        mask: Their mask.
        weights: The means by name, in each tensor's own type; pruned weights are +0. What all
            tickets hold bit for bit the same stays so. Integers have no mean, so those that differ
            are the first ticket's.
        unequal: The names of the tensors that differ.
    """

    mask: Mask
    weights: dict[str, Tensor]
    unequal: frozenset[str]


def mean_of(tickets: Iterable[tuple[str, Ticket]]) -> Mean:
    """Averages tickets; sums are float64. In memory are these, the first ticket and one other.

    Args:
        tickets: Each with its name for messages.

    Raises:
        TicketMismatchError: If one holds no weights or NaN, or infinities where tickets differ, or
            if they are of different models or masks.
        ValueError: If there are none.
    """
    first: tuple[str, Ticket] | None = None
    sums: dict[str, Tensor] = {}
    unequal: set[str] = set()
    infinite: dict[str, str] = {}
    count = 0
    for name, ticket in tickets:
        count += 1
        first = first or (name, ticket)
        _check_same_model(first, (name, ticket))
        _check_same_mask(first, (name, ticket))
        ours = _weights(*first)
        for key, tensor in _weights(name, ticket).items():
            if not np.array_equal(as_uint(tensor), as_uint(ours[key])):
                unequal.add(key)
            if not _has_mean(tensor):
                continue
            long = tensor.to(_long(tensor))
            if long.isnan().any():
                raise TicketMismatchError(f'{name} holds NaN in {key}; leave it out of the soup')
            if long.isinf().any():
                infinite.setdefault(key, name)
            sums[key] = sums[key] + long if key in sums else long
    if first is None:
        raise ValueError('there is no mean of no tickets')
    for key, name in infinite.items():
        if key in unequal:
            raise TicketMismatchError(
                f'{name} holds infinite numbers in {key}; leave it out of the soup'
            )
    means = {key: sums[key] / count for key in sums.keys() & unequal}
    return Mean(first[1].mask, _in_their_types(first[1], means), frozenset(unequal))


def _in_their_types(first: Ticket, means: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of a mean; names of one tensor are names of one tensor again."""
    once: dict[Any, Tensor] = {}
    weights = {}
    for key, tensor in first.state_dict().items():
        if key in means:
            own = means[key].to(tensor.dtype)
            tied = once.setdefault(identity(tensor), own)
            tensor = tied if tied is own or torch.equal(tied, own) else own
        weights[key] = tensor
    return weights


def _weights(name: str, ticket: Ticket) -> dict[str, Tensor]:
    if ticket.weights is None:
        raise TicketMismatchError(
            f'{name} holds a mask without trained weights; a soup is the mean of trained ones'
        )
    return ticket.state_dict()


def _has_mean(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _long(tensor: Tensor) -> torch.dtype:
    return torch.complex128 if tensor.is_complex() else torch.float64


def _check_same_model(first: tuple[str, Ticket], other: tuple[str, Ticket]) -> None:
    ours, theirs = _weights(*first), _weights(*other)
    differences = [
        f'{key} {_described(theirs.get(key))} and {_described(ours.get(key))}'
        for key in dict.fromkeys([*ours, *theirs])
        if _described(theirs.get(key)) != _described(ours.get(key))
    ]
    if differences:
        raise TicketMismatchError(
            f'{other[0]} is a ticket of another model than {first[0]}: {join_names(differences)}'
        )


def _described(tensor: Tensor | None) -> str:
    if tensor is None:
        return 'absent'
    return f'{str(tensor.dtype).removeprefix("torch.")} {tuple(tensor.shape)}'


def _check_same_mask(first: tuple[str, Ticket], other: tuple[str, Ticket]) -> None:
    ours, theirs = first[1].mask, other[1].mask
    if others := sorted(ours.keys() ^ theirs.keys()):
        raise TicketMismatchError(
            f'{other[0]} and {first[0]} may prune different weights: only one of them has a mask '
            f'of {join_names(others)}; a soup is of networks that share a mask'
        )
    counts = {key: int((kept != theirs[key]).count_nonzero()) for key, kept in ours.items()}
    layers = [key for key, number in counts.items() if number]
    if layers:
        raise TicketMismatchError(
            f'{other[0]} has another mask than {first[0]}: {sum(counts.values()):,} of '
            f'{ours.total:,} weights are kept by one of them alone, in {len(layers)} of '
            f'{len(counts)} layers, the first being {layers[0]}; a soup is of networks that share '
            'a mask, such as branches by data order (mmlth branch SEARCH data_order)'
        )
