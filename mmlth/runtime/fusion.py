"""Batch norms and activations merged into the convolutions and linear layers before them."""

import copy
from collections import Counter

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmlth.runtime.activations import activation_of
from mmlth.runtime.layers import DenseLayer
from mmlth.runtime.observation import Observation


def separate(model: nn.Module) -> None:
    """Gives each place of a layer or activation that stands in several one of its own.

    Their parameters stay shared until one is merged with what follows it in its place, as in heads
    whose levels share convolutions but have norms of their own.

    Args:
        model: The network, which is changed.
    """
    places = Counter(id(module) for _, module in model.named_modules(remove_duplicate=False))
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if places[id(child)] > 1 and not list(child.children()):
                own = copy.copy(child)
                own.__dict__ = {
                    key: value.copy() if isinstance(value, dict) else value
                    for key, value in vars(child).items()
                }
                setattr(parent, name, own)


def fold_batch_norms(model: nn.Module, seen: Observation) -> dict[str, str]:
    """Merges each batch norm that alone uses the outputs of a convolution into that.

    Args:
        model: The network in evaluation mode, which is changed: norms become identities.
        seen: What happened in it.

    Returns:
        For each convolution that was merged the name of its norm.
    """
    folded = {}
    modules = dict(model.named_modules())
    for name, layer in modules.items():
        norm_name = seen.follower(name)
        if norm_name is None or not isinstance(layer, nn.Conv2d):
            continue
        norm = modules[norm_name]
        if not isinstance(norm, _BatchNorm) or seen.leaders(norm_name) != {name}:
            continue
        if norm.running_mean is None or norm.running_var is None or norm.training:
            continue
        if not _is_plain(layer, seen.shapes[name][0]):
            continue
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
        replace(model, norm_name, nn.Identity())
        folded[name] = norm_name
    return folded


def _is_plain(layer: nn.Conv2d, shape: tuple[int, ...]) -> bool:
    """Whether a layer, which may be of a class of one's own, convolves with a weight it has."""
    if not {'weight', 'bias'} <= layer._parameters.keys():
        return False
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return torch.allclose(layer(x), layer._conv_forward(x, layer.weight, layer.bias))


def fuse_activations(model: nn.Module, seen: Observation, folded: dict[str, str]) -> None:
    """Merges each activation that only follows convolutions and linear layers into these.

    Args:
        model: The network, which is changed: activations become identities, their layers
            `DenseLayer`.
        seen: What happened in it before `fold_batch_norms`.
        folded: What that returned.
    """
    modules = dict(model.named_modules())
    layers = {
        folded.get(name, name): name
        for name, module in modules.items()
        if isinstance(module, (nn.Conv2d, nn.Linear))
    }
    for name, module in modules.items():
        activation = activation_of(module)
        leaders = [leader for leader in seen.leaders(name) if leader in layers]
        if activation is None or not leaders or len(leaders) < len(seen.leaders(name)):
            continue
        if all(seen.follower(leader) == name for leader in leaders):
            replace(model, name, nn.Identity())
            for leader in leaders:
                layer = layers[leader]
                replace(model, layer, DenseLayer(modules[layer], activation))


def replace(model: nn.Module, name: str, new: nn.Module) -> None:
    """Puts a module in the place of another, under the same name.

    Args:
        model: The network, which is changed.
        name: The name of the module that goes.
        new: The one that comes.
    """
    parent, _, attribute = name.rpartition('.')
    setattr(model.get_submodule(parent), attribute, new)
