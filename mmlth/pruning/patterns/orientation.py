"""Which weights are of transposed and of grouped convolutions; their output channels first."""

from collections.abc import Iterable, Mapping

from torch import Tensor, nn


def transposed_weights(model: nn.Module, names: Iterable[str]) -> dict[str, int]:
    """Which weights have input channels in dimension 0, with the number of groups of their layer.

    Args:
        model: The model.
        names: Names of weights.
    """
    return {
        name: int(getattr(owner, 'groups', 1))
        for name, owner in _owners(model, names).items()
        if getattr(owner, 'transposed', False) is True
    }


def grouped_weights(model: nn.Module, names: Iterable[str]) -> dict[str, int]:
    """The number of groups of grouped convolutions by the name of their weight.

    Args:
        model: The model.
        names: Names of weights.
    """
    groups = {name: getattr(owner, 'groups', 1) for name, owner in _owners(model, names).items()}
    return {name: count for name, count in groups.items() if isinstance(count, int) and count > 1}


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


def _owners(model: nn.Module, names: Iterable[str]) -> dict[str, nn.Module]:
    return {name: model.get_submodule(name.rpartition('.')[0]) for name in names}


def _swapped(tensor: Tensor, groups: int) -> Tensor:
    """(g·a, b, …) → (g·b, a, …), each group by itself."""
    return tensor.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1).contiguous()
