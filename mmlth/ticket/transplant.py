"""A ticket of one model as a ticket of another."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mmlth.messages import reason
from mmlth.pruning import Mask, identity, masked, prune
from mmlth.ticket.errors import TicketMismatchError
from mmlth.ticket.mapping import NameMap


@dataclass(frozen=True)
class Transplant:
    """What was transferred.

    Attributes:
        mask: The mask of the target, over all that may be pruned there; what was not given is
            dense.
        weights: The state dict of the target, pruned weights zero.
        masked: Names of the target whose mask comes from the source.
        outside: Names that the source prunes but that may not be pruned in the target. They have
            the values alone; zeros among them are free to be trained.
    """

    mask: Mask
    weights: dict[str, Tensor]
    masked: tuple[str, ...]
    outside: tuple[str, ...]


def transplant(
    names: NameMap,
    mask: Mask,
    values: Mapping[str, Tensor] | None,
    target: Mapping[str, Tensor],
    prunable: Collection[str],
) -> Transplant:
    """Puts mask and values of one model into another.

    Args:
        names: The parameters of the one model and the same ones of the other.
        mask: The mask of the source, by its names.
        values: The values of the source, by its names; None: the target keeps its own.
        target: The target's state dict, which stays as it is.
        prunable: Names of the target that may be pruned, in their order.

    Raises:
        TicketMismatchError: If neither a mask nor a value is transferred.
    """
    given = {name: mask[origin] for name, origin in names.matched.items() if origin in mask}
    inside = tuple(name for name in prunable if name in given)
    outside = tuple(name for name in given if name not in prunable and not bool(given[name].all()))
    if values is None and not inside:
        raise TicketMismatchError(
            f'nothing is transferred: the target keeps its own values, and of the {len(given)} '
            "masks of the source none is of a weight that the target's lottery.targets lets prune"
        )
    weights = dict(target) if values is None else _with_values(names, values, target)
    full = Mask(
        {
            name: given[name] if name in given else torch.ones_like(target[name], dtype=torch.bool)
            for name in prunable
        }
    )
    return Transplant(full, masked(weights, full), inside, outside)


def one_shot(
    names: NameMap,
    weights: Mapping[str, Tensor],
    mask: Mask,
    backbone: Collection[str],
    sparsity: float,
) -> Mask:
    """Returns the mask that is drawn by magnitude over a backbone alone, never over heads.

    Args:
        names: The parameters of the one model and the same ones of the other.
        weights: The weights of the source, by its names.
        mask: The mask that the source has already, by its names.
        backbone: Names of the target's backbone that may be pruned.
        sparsity: Share to remove of those of these weights that the source gives.

    Returns:
        A mask by the source's names, of these weights alone.

    Raises:
        TicketMismatchError: If there are no such weights, or the source has more pruned already.
    """
    chosen = {o: weights[o] for name, o in names.matched.items() if name in backbone}
    if not chosen:
        raise TicketMismatchError(
            f'a sparsity of {sparsity} is for the weights of a backbone, but the source gives none '
            'that is prunable in the target; mmlth targets shows what is, and its role'
        )
    before = Mask({**Mask.dense(chosen), **{name: mask[name] for name in chosen if name in mask}})
    try:
        return prune(chosen, before, sparsity=sparsity)
    except ValueError as error:
        raise TicketMismatchError(
            f'cannot prune the backbone to a sparsity of {sparsity}, {before.sparsity:.2%} of '
            f'which are pruned already: {reason(error)}'
        ) from error


def _with_values(
    names: NameMap, values: Mapping[str, Tensor], target: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The target's state dict with what the source gives; tied tensors stay tied."""
    given: dict[tuple[Any, ...], Tensor] = {}
    for name, origin in names.matched.items():
        if origin in values:
            own = target[name]
            given.setdefault(identity(own), values[origin].to('cpu', own.dtype, copy=True))
    return {name: given.get(identity(own), own) for name, own in target.items()}
