"""Weights of transposed convolutions with their output channels first, as others have them."""

from collections.abc import Iterable, Mapping

from torch import Tensor, nn


def transposed_weights(model: nn.Module, names: Iterable[str]) -> dict[str, int]:
    """Which weights have input channels in dimension 0, with the number of groups of their layer.

    Args:
        model: The model.
        names: Names of weights.
    """
    owners = {name: model.get_submodule(name.rpartition('.')[0]) for name in names}
    return {
        name: int(getattr(owner, 'groups', 1))
        for name, owner in owners.items()
        if getattr(owner, 'transposed', False) is True
    }


def outward(tensors: Mapping[str, Tensor], transposed: Mapping[str, int]) -> dict[str, Tensor]:
    """The tensors, all with shape (outputs, inputs of a group, …).

    Args:
        tensors: The tensors by name; of transposed convolutions with shape (inputs, outputs of a
            group, …).
        transposed: The number of groups of transposed convolutions by name.
    """
    return {
        name: _swapped(tensor, transposed[name]) if name in transposed else tensor
        for name, tensor in tensors.items()
    }


inward = outward
"""Back again: turning round twice changes nothing."""


def _swapped(tensor: Tensor, groups: int) -> Tensor:
    """(g·a, b, …) → (g·b, a, …), each group by itself."""
    return tensor.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1).contiguous()
