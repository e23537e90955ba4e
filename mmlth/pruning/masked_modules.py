"""Modules whose pruned weights are zero and stay zero.

`attach_mask` gives each module that owns a masked parameter a subclass of its own class. So
``isinstance`` still holds, and parameters, names and ``state_dict`` keys do not change. The
gradient of a masked parameter is zeroed where the weight is pruned, before it is accumulated, so
before any clipping or reduction sees it. A weight that starts at zero and whose gradient is zero
stays zero under SGD, momentum, weight decay and Adam. The masks travel with `copy.deepcopy`,
`.to(device)` and pickling; they are no buffers, since hooks that average, synchronise or save
buffers would touch them.
"""

import functools
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from mmlth.pruning.mask import Mask

_classes: dict[type[nn.Module], type['Masked']] = {}


class Masked(nn.Module):
    """Mixin: zeroes the pruned part of a module's parameters and of their gradients."""

    @property
    def pruned(self) -> dict[str, Tensor]:
        """True where a weight is pruned, by the parameter's name in this module."""
        return self.__dict__.setdefault('_pruned', {})

    def set_mask(self, name: str, kept: Tensor) -> None:
        """Masks the parameter ``name`` of this module by the bool tensor ``kept``."""
        parameter = self._parameters[name]
        if parameter is None or parameter.shape != kept.shape:
            raise ValueError(
                f'the mask of {name!r} has shape {tuple(kept.shape)}, the parameter '
                f'{None if parameter is None else tuple(parameter.shape)}'
            )
        self.pruned[name] = ~kept
        self._follow_parameters()
        self.zero_pruned()

    def zero_pruned(self) -> None:
        """Sets the pruned weights to zero."""
        with torch.no_grad():
            for name, pruned in self.pruned.items():
                parameter = self._parameters[name]
                if parameter is not None:
                    parameter.masked_fill_(pruned, 0)

    def revived(self) -> list[str]:
        """Names of the parameters in which a pruned weight is not zero."""
        return [
            name
            for name, pruned in self.pruned.items()
            if (parameter := self._parameters[name]) is not None
            and bool(((parameter != 0) & pruned).any())
        ]

    def _follow_parameters(self) -> None:
        """Puts masks and gradient hooks where the parameters are now."""
        hooked: dict[str, nn.Parameter] = self.__dict__.setdefault('_hooked', {})
        for name, pruned in self.pruned.items():
            parameter = self._parameters[name]
            if parameter is None:
                continue
            self.pruned[name] = _placed_like(pruned, parameter)
            if hooked.get(name) is not parameter:
                frozen = not parameter.requires_grad
                # torch takes hooks only where a gradient is due; the hook of a frozen weight is
                # there for the day that it is thawed.
                parameter.requires_grad_(True)
                parameter.register_hook(functools.partial(_zero_pruned_gradient, self, name))
                parameter.requires_grad_(not frozen)
                hooked[name] = parameter

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop('_hooked', None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._follow_parameters()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # The class may have been made at run time, where pickle would not find it by name.
        return _blank, (_original_class(type(self)),), self.__getstate__()

    def _apply(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._apply(*args, **kwargs)
        self._follow_parameters()
        return result

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._follow_parameters()
        self.zero_pruned()


def _zero_pruned_gradient(module: nn.Module, name: str, gradient: Tensor) -> Tensor:
    pruned = module.__dict__.get('_pruned', {}).get(name)
    # masked_fill, not a product: under AMP an overflowed gradient times zero is NaN.
    # Not in place, though that is cheaper: autograd may hand two parameters views of one gradient.
    return gradient if pruned is None else gradient.masked_fill(pruned, 0)


def _placed_like(pruned: Tensor, parameter: Tensor) -> Tensor:
    """The mask on the parameter's device and, for speed, in its memory format."""
    pruned = pruned.to(parameter.device)
    for memory_format in (torch.channels_last, torch.channels_last_3d):
        dims = 4 if memory_format == torch.channels_last else 5
        if parameter.dim() == dims and parameter.is_contiguous(memory_format=memory_format):
            return pruned.contiguous(memory_format=memory_format)
    return pruned.contiguous()


def masked_class(cls: type[nn.Module]) -> type[Masked]:
    """The subclass of ``cls`` whose instances can carry masks; the same one at every call."""
    if issubclass(cls, Masked):
        return cls
    if cls not in _classes:
        _classes[cls] = type(f'Masked{cls.__name__}', (Masked, cls), {'__module__': __name__})
    return _classes[cls]


def _original_class(cls: type[nn.Module]) -> type[nn.Module]:
    """What `masked_class` made ``cls`` from; ``cls`` itself if a user wrote it."""
    return cls.__bases__[1] if cls.__bases__[0] is Masked else cls


def _as_masked(module: nn.Module) -> Masked:
    if not isinstance(module, Masked):
        _set_class(module, masked_class(type(module)))
    return cast(Masked, module)


def _set_class(module: nn.Module, cls: type[nn.Module]) -> None:
    module.__class__ = cls


def _blank(cls: type[nn.Module]) -> nn.Module:
    made = masked_class(cls)
    return made.__new__(made)


MaskedConv1d = masked_class(nn.Conv1d)
MaskedConv2d = masked_class(nn.Conv2d)
MaskedConv3d = masked_class(nn.Conv3d)
MaskedConvTranspose1d = masked_class(nn.ConvTranspose1d)
MaskedConvTranspose2d = masked_class(nn.ConvTranspose2d)
MaskedConvTranspose3d = masked_class(nn.ConvTranspose3d)
MaskedLinear = masked_class(nn.Linear)


def attach_mask(model: nn.Module, mask: Mapping[str, Tensor]) -> None:
    """Prunes ``model`` in place: its masked weights become zero and stay zero while it trains.

    Args:
        model: Any model. A parameter that several modules share may be masked by any of its names.
        mask: Bool tensors (true: kept) by parameter name.

    Raises:
        ValueError: If a name is no parameter of the model, or a shape differs.
    """
    kept_by_id = {id(_parameter(model, name)): kept for name, kept in mask.items()}
    for module in list(model.modules()):
        for attribute, parameter in module._parameters.items():
            if parameter is not None and id(parameter) in kept_by_id:
                _as_masked(module).set_mask(attribute, kept_by_id[id(parameter)])


def detach_mask(model: nn.Module) -> None:
    """Gives every masked module its original class back; the weights stay as they are."""
    for module in model.modules():
        if isinstance(module, Masked):
            module.__dict__.pop('_pruned', None)
            _set_class(module, _original_class(type(module)))


def attached_mask(model: nn.Module) -> Mask:
    """The mask that `attach_mask` gave the model (on the CPU); empty for a dense model."""
    tensors: dict[str, Tensor] = {}
    for name, _ in model.named_parameters():
        path, _, attribute = name.rpartition('.')
        module = model.get_submodule(path)
        if isinstance(module, Masked) and attribute in module.pruned:
            tensors[name] = (~module.pruned[attribute]).cpu().contiguous()
    return Mask(tensors)


def with_tied_names(model: nn.Module, mask: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The mask under every name that its parameters have in ``model.state_dict()``."""
    kept_by_id = {id(_parameter(model, name)): kept for name, kept in mask.items()}
    return {
        name: kept_by_id[id(parameter)]
        for name, parameter in model.named_parameters(remove_duplicate=False)
        if id(parameter) in kept_by_id
    }


def zero_pruned(model: nn.Module) -> None:
    """Sets all pruned weights of a masked model to zero."""
    for module in model.modules():
        if isinstance(module, Masked):
            module.zero_pruned()


def revived(model: nn.Module) -> list[str]:
    """Names of the parameters of a masked model in which a pruned weight is not zero."""
    return [
        f'{path}.{name}' if path else name
        for path, module in model.named_modules()
        if isinstance(module, Masked)
        for name in module.revived()
    ]


def _parameter(model: nn.Module, name: str) -> nn.Parameter:
    path, _, attribute = name.rpartition('.')
    try:
        parameter = model.get_submodule(path)._parameters.get(attribute)
    except AttributeError:
        parameter = None
    if parameter is None:
        raise ValueError(f'the mask names {name!r}, which is no parameter of the model')
    return parameter
