"""Batch norms and activations merged into the convolutions and linear layers before them."""

import copy
from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmlth.runtime.activations import IDENTITY, activation_of
from mmlth.runtime.layers import DenseLayer
from mmlth.runtime.merged import Merged
from mmlth.runtime.observation import Observation, has_hooks


def separate(model: nn.Module) -> None:
    """Gives each place of a layer or activation that stands in several one of its own.

    Their parameters stay shared until one is merged with what follows it in its place, as in heads
    whose levels share convolutions but have norms of their own.

    Args:
        model: The network, which is changed.
    """
    places = Counter(id(module) for _, module in model.named_modules(remove_duplicate=False))
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):
            if child is not None and places[id(child)] > 1 and not list(child.children()):
                own = copy.copy(child)
                own.__dict__ = {
                    key: value.copy() if isinstance(value, dict) else value
                    for key, value in vars(child).items()
                }
                setattr(parent, name, own)


def merge(model: nn.Module, seen: Observation) -> None:
    """Merges norms and activations into the layers whose outputs they alone use.

    Args:
        model: The network in evaluation mode, which is changed: layers that take something over
            become `DenseLayer`, what they take over `Merged`.
        seen: What happened in it.
    """
    modules = dict(model.named_modules())
    layers = {
        name: module
        for name, module in modules.items()
        if isinstance(module, (nn.Conv2d, nn.Linear)) and not has_hooks(module)
    }
    norms = {name: norm for name in layers if (norm := _norm_after(name, modules, seen))}
    ends = {norms.get(name, name): name for name in layers}
    activations = {}
    for name, module in modules.items():
        activation, leaders = activation_of(module), seen.leaders(name)
        if activation is None or has_hooks(module) or not leaders or not leaders <= ends.keys():
            continue
        if all(seen.follower(leader) == name for leader in leaders):
            activations.update({ends[leader]: (name, activation) for leader in leaders})
    for name, norm in norms.items():
        _fold(layers[name], modules[norm])
    for name in norms.keys() | activations.keys():
        end, activation = activations.get(name, (None, IDENTITY))
        merges = tuple(filter(None, (norms.get(name), end)))
        replace(model, name, DenseLayer(layers[name], activation, merges))
        for other in merges:
            replace(model, other, Merged(other, modules[other]))


def _norm_after(name: str, modules: Mapping[str, nn.Module], seen: Observation) -> str | None:
    """The name of the batch norm that can be merged into a layer."""
    norm = seen.follower(name)
    layer = modules[name]
    if norm is None or not isinstance(layer, nn.Conv2d) or seen.leaders(norm) != {name}:
        return None
    shapes, module = seen.shapes.get(name), modules[norm]
    if not shapes or not isinstance(module, _BatchNorm) or has_hooks(module):
        return None
    return norm if _is_plain(layer, shapes[0]) and _is_plain_norm(module) else None


def _is_plain(layer: nn.Conv2d, shape: tuple[int, ...]) -> bool:
    """Whether a layer, which may be of a class of one's own, convolves with a weight it has."""
    if not {'weight', 'bias'} <= layer._parameters.keys():
        return False
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return torch.allclose(layer(x), layer._conv_forward(x, layer.weight, layer.bias))


def _is_plain_norm(norm: Any) -> bool:
    """Whether a norm, which may be of a class of one's own, only scales and shifts."""
    if norm.running_mean is None or norm.running_var is None or norm.training:
        return False
    x = torch.randn(2, len(norm.running_mean), 3, 3, generator=torch.Generator().manual_seed(0))
    numbers = norm.running_mean, norm.running_var, norm.weight, norm.bias
    with torch.no_grad():
        return torch.allclose(norm(x), nn.functional.batch_norm(x, *numbers, eps=norm.eps))


def _fold(layer: Any, norm: Any) -> None:
    with torch.no_grad():
        scale = torch.rsqrt(norm.running_var.double() + norm.eps)
        shift = -norm.running_mean.double()
        if layer.bias is not None:
            shift += layer.bias
        if norm.weight is not None:
            scale *= norm.weight
        shift *= scale
        if norm.bias is not None:
            shift += norm.bias
        weight = layer.weight.double() * scale[:, None, None, None]
    layer.weight = nn.Parameter(weight.to(layer.weight.dtype), requires_grad=False)
    layer.bias = nn.Parameter(shift.to(layer.weight.dtype), requires_grad=False)


def replace(model: nn.Module, name: str, new: nn.Module) -> None:
    """Puts a module in the place of another, under the same name.

    Args:
        model: The network, which is changed.
        name: The name of the module that goes.
        new: The one that comes.
    """
    parent, _, attribute = name.rpartition('.')
    setattr(model.get_submodule(parent), attribute, new)
