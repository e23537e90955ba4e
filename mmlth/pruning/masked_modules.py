"""Modules whose pruned weights are zero and stay zero.

`attach_mask` gives each module that owns a masked parameter a subclass of its own class. So
``isinstance`` still holds, and parameters, names and ``state_dict`` keys do not change. The
gradient of a masked parameter is zeroed where the weight is pruned, before it is accumulated, so
before any clipping or reduction sees it. A weight that starts at zero and whose gradient is zero
stays zero under SGD, momentum, weight decay and Adam. The masks travel with `copy.deepcopy`,
`.to(device)` and pickling; they are no buffers, since hooks that average, synchronise or save
buffers would touch them.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from mmlth.messages import reason
from mmlth.pruning.averages import averaged_copies
from mmlth.pruning.deviations import LOG_DEVIATION
from mmlth.pruning.mask import Mask

_classes: dict[type[nn.Module], type['Masked']] = {}


class Masked(nn.Module):
    """Mixin: zeroes the pruned part of a module's parameters and of their gradients."""

    __jit_unused_properties__: ClassVar[list[str]] = ['pruned']  # torch.jit.script cannot read it

    @property
    def pruned(self) -> dict[str, Tensor]:
        """True where a weight is pruned, by the parameter's name in this module."""
        return self.__dict__.setdefault('_pruned', {})

    def set_mask(self, name: str, kept: Tensor) -> None:
        """Masks a parameter: its pruned weights become zero and stay zero while it trains.

        Args:
            name: Name of the parameter in this module, such as ``'weight'``.
            kept: A bool tensor of the parameter's shape on any device; true: kept.

        Raises:
            ValueError: If the shape differs.
        """
        parameter = self._parameters[name]
        if parameter is None or parameter.shape != kept.shape:
            raise ValueError(
                f'the mask of {name!r} has shape {tuple(kept.shape)}, the parameter '
                f'{None if parameter is None else tuple(parameter.shape)}'
            )
        self.pruned[name] = ~kept
        if self._parameters.get(beside := f'{name}{LOG_DEVIATION}') is not None:
            self.pruned[beside] = ~kept
        self.zero_pruned()

    def zero_pruned(self) -> None:
        """Sets the pruned weights, and what their gradients have accumulated, to zero."""
        self._follow_parameters()
        with torch.no_grad():
            for _, parameter, pruned in self._masked_parameters():
                if not parameter.is_meta:
                    parameter.masked_fill_(pruned, 0)
                if parameter.grad is not None:  # of before a mask changed, while it accumulates
                    parameter.grad.masked_fill_(pruned, 0)

    def revived(self) -> list[str]:
        """Names of the parameters in which a pruned weight is not zero."""
        self._follow_parameters()
        return [
            name
            for name, parameter, pruned in self._masked_parameters()
            if bool(((parameter != 0) & pruned).any())
        ]

    def extra_repr(self) -> str:
        """What the layer prints about itself, with the share of weights that are left."""
        parts = [super().extra_repr()]
        for name, pruned in self.pruned.items():
            if name.endswith(LOG_DEVIATION):
                continue  # as dense as its weight
            label = 'density' if name == 'weight' else f'{name}_density'
            parts.append(f'{label}={1 - float(pruned.double().mean()):.4g}')
        return ', '.join(filter(None, parts))

    def register_parameter(self, name: str, param: nn.Parameter | None) -> None:
        """Puts a new parameter, ``module.weight = nn.Parameter(…)`` too, under the old mask.

        Args:
            name: As torch has it.
            param: As torch has it.
        """
        super().register_parameter(name, param)
        if param is not None and name in self.pruned:
            self.set_mask(name, ~self.pruned[name])

    def _masked_parameters(self) -> Iterator[tuple[str, nn.Parameter, Tensor]]:
        for name, pruned in self.pruned.items():
            if name not in self._parameters:
                raise ValueError(
                    f'{name!r} of a {type(self).__name__} is masked but no parameter any more, as '
                    'after weight_norm, spectral_norm or a parametrization; detach the mask '
                    'before applying them'
                )
            parameter = self._parameters[name]
            if parameter is not None:
                yield name, parameter, pruned

    def _follow_parameters(self) -> None:
        """Puts masks and gradient hooks where the parameters are now."""
        for name, parameter, pruned in list(self._masked_parameters()):
            self.pruned[name] = _placed_like(pruned, parameter)
            hooks = parameter._backward_hooks
            if any(_zeroes(hook, self, name) for hook in (hooks or {}).values()):
                # torch.utils.swap_tensors, by which modules may be converted and loaded, keeps
                # this dictionary but makes a tensor that does not know it.
                parameter._backward_hooks = hooks
                continue
            frozen = not parameter.requires_grad
            # torch takes hooks only where a gradient is due; the hook of a frozen weight is
            # there for the day that it is thawed.
            parameter.requires_grad_(True)
            parameter.register_hook(_gradient_hook(self, name))
            parameter.requires_grad_(not frozen)

    def __setstate__(self, state: tuple[Any, dict[str, Tensor]]) -> None:
        own, pruned = state
        if own is not None:
            super().__setstate__(own)
        self.__dict__['_pruned'] = dict(pruned)
        self._follow_parameters()

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # The class may have been made at run time, where pickle would not find it by name. So a
        # module of the original class is made, in whatever way that class wants it.
        make, arguments, *rest = cast(tuple[Any, ...], super().__reduce_ex__(protocol))
        original = {type(self): _original_class(type(self))}
        arguments = tuple(original.get(a, a) if isinstance(a, type) else a for a in arguments)
        state, *items = rest or [None]
        arguments = (original.get(make, make) if isinstance(make, type) else make, *arguments)
        return _remake, arguments, (state, self.pruned), *items

    def _apply(self, *args: Any, **kwargs: Any) -> Any:
        result = super()._apply(*args, **kwargs)
        self._follow_parameters()
        return result

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self.zero_pruned()


def _gradient_hook(module: nn.Module, name: str) -> Callable[[Tensor], Tensor]:
    def zero_pruned(gradient: Tensor) -> Tensor:
        pruned = module.__dict__.get('_pruned', {}).get(name)
        watched = module.__dict__.get('_watched')
        if watched is not None:
            watched[name] = watched.get(name, 0) + gradient.detach()
        # masked_fill, not a product: under AMP an overflowed gradient times zero is NaN. Not in
        # place, though that is cheaper: autograd may hand two parameters views of one gradient.
        return gradient if pruned is None else gradient.masked_fill(pruned, 0)

    # MMEngine compiles the whole training step, in which the compiler would follow autograd in
    # here and compile this anew for each layer, until it reaches its limit and gives up.
    hook = cast(Callable[[Tensor], Tensor], torch.compiler.disable(zero_pruned))
    hook.__dict__['zeroes'] = (module, name)
    return hook


def _zeroes(hook: Any, module: nn.Module, name: str) -> bool:
    """Whether it is the gradient hook of this parameter of this very module."""
    owner, attribute = getattr(hook, 'zeroes', (None, ''))
    return owner is module and attribute == name


def _placed_like(pruned: Tensor, parameter: Tensor) -> Tensor:
    """The mask on the parameter's device and, for speed, in its memory format."""
    if parameter.is_meta:
        return pruned  # whose values would be lost
    pruned = pruned.to(parameter.device)
    for memory_format in (torch.channels_last, torch.channels_last_3d):
        dims = 4 if memory_format == torch.channels_last else 5
        if parameter.dim() == dims and parameter.is_contiguous(memory_format=memory_format):
            return pruned.contiguous(memory_format=memory_format)
    return pruned.contiguous()


def masked_class(cls: type[nn.Module]) -> type[Masked]:
    """The subclass of ``cls`` whose instances can carry masks; the same one at every call.

    It goes by the name, module and bases of ``cls``, by which others tell layers apart: MMEngine's
    weight initialisation, `torch.fx`, whoever prints the model.

    Raises:
        ValueError: If ``cls`` cannot be subclassed.
    """
    if issubclass(cls, Masked):
        return cls
    if cls not in _classes:
        parents = [base for base in cls.__bases__ if issubclass(base, nn.Module)]
        names: dict[str, Any] = {'__module__': cls.__module__, '__qualname__': cls.__qualname__}
        if hasattr(cls, '__deepcopy__'):
            names['__deepcopy__'] = _deepcopy
        try:
            _classes[cls] = type(cls.__name__, (Masked, cls, *parents), names)
        except TypeError as error:
            raise ValueError(f'a {cls.__name__} cannot be masked: {reason(error)}') from error
    return _classes[cls]


def _original_class(cls: type[nn.Module]) -> type[nn.Module]:
    """What `masked_class` made ``cls`` from; ``cls`` itself if a user wrote it."""
    return cls.__bases__[1] if cls.__bases__[0] is Masked else cls


def _as_masked(module: nn.Module) -> Masked:
    if not isinstance(module, Masked):
        _set_class(module, masked_class(type(module)))
    return cast(Masked, module)


def _set_class(module: nn.Module, cls: type[nn.Module]) -> None:
    object.__setattr__(module, '__class__', cls)  # not by a __setattr__ of the module's own


def _deepcopy(module: Masked, memo: dict[int, Any]) -> Any:
    """Copies modules of classes that do so in a way of their own, which knows of no hooks."""
    original = cast(Any, _original_class(type(module)))
    copied = original.__deepcopy__(module, memo)
    for name, pruned in module.pruned.items():
        _as_masked(copied).set_mask(name, ~pruned)
    return copied


def _remake(make: Callable[..., nn.Module], *arguments: Any) -> nn.Module:
    return _as_masked(make(*arguments))


MaskedConv1d = masked_class(nn.Conv1d)
MaskedConv2d = masked_class(nn.Conv2d)
MaskedConv3d = masked_class(nn.Conv3d)
MaskedConvTranspose1d = masked_class(nn.ConvTranspose1d)
MaskedConvTranspose2d = masked_class(nn.ConvTranspose2d)
MaskedConvTranspose3d = masked_class(nn.ConvTranspose3d)
MaskedLinear = masked_class(nn.Linear)
MASKED_CLASSES = (
    MaskedConv1d,
    MaskedConv2d,
    MaskedConv3d,
    MaskedConvTranspose1d,
    MaskedConvTranspose2d,
    MaskedConvTranspose3d,
    MaskedLinear,
)
"""The classes that a config can name, as in ``conv_cfg=dict(type='mmlth.MaskedConv2d')``."""


def attach_mask(model: nn.Module, mask: Mapping[str, Tensor]) -> None:
    """Prunes ``model`` in place: its masked weights become zero and stay zero while it trains.

    Averaged copies that the model holds of what is masked (see `averaged_copies`) are masked alike.

    Args:
        model: Any model. A parameter that several modules share may be masked by any of its names.
        mask: Bool tensors (true: kept) by parameter name.

    Raises:
        ValueError: If a name is no parameter of the model, or a shape differs.
    """
    kept_by_id = {id(_parameter(model, name)): kept for name, kept in mask.items()}
    for copy, original in averaged_copies(model).items():
        if original and (source := id(_parameter(model, original))) in kept_by_id:
            kept_by_id[id(_parameter(model, copy))] = kept_by_id[source]
    for module in list(model.modules()):
        for attribute, parameter in module._parameters.items():
            if parameter is not None and id(parameter) in kept_by_id:
                _as_masked(module).set_mask(attribute, kept_by_id[id(parameter)])


def detach_mask(model: nn.Module) -> None:
    """Gives every masked module its original class back; the weights stay as they are.

    For tools that look up the exact class of a layer, as torch's quantization does: they pass over
    masked layers.
    """
    for module in model.modules():
        if isinstance(module, Masked):
            module.__dict__.pop('_pruned', None)
            _set_class(module, _original_class(type(module)))


def attached_mask(model: nn.Module) -> Mask:
    """The mask that `attach_mask` gave the model (on the CPU); empty for a dense model."""
    tensors: dict[str, Tensor] = {}
    averages = averaged_copies(model)
    for name, _ in model.named_parameters():
        if name in averages:
            continue
        path, _, attribute = name.rpartition('.')
        module = model.get_submodule(path)
        if attribute.endswith(LOG_DEVIATION):
            continue  # under the mask of its weight
        if isinstance(module, Masked) and attribute in module.pruned:
            tensors[name] = (~module.pruned[attribute]).cpu().contiguous()
    return Mask(tensors)


def masked_parameters(model: nn.Module) -> Iterator[tuple[nn.Parameter, Tensor]]:
    """The masked parameters of a model, each with what is pruned of it: bool, true: pruned."""
    for module in model.modules():
        if isinstance(module, Masked):
            for _, parameter, pruned in module._masked_parameters():
                yield parameter, pruned


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


@contextlib.contextmanager
def watched_gradients(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Collects the gradients of masked parameters before their pruned part is zeroed.

    What several backward passes give is summed. Parameters without a gradient are left out.

    Args:
        model: A masked model, on any device.

    Yields:
        A dictionary that is filled at the end: gradients by parameter name, of its shape.
    """
    masked = {path: module for path, module in model.named_modules() if isinstance(module, Masked)}
    gradients: dict[str, Tensor] = {}
    for module in masked.values():
        module.__dict__['_watched'] = {}
    try:
        yield gradients
    finally:
        for path, module in masked.items():
            for name, gradient in module.__dict__.pop('_watched').items():
                gradients[f'{path}.{name}' if path else name] = gradient


def _parameter(model: nn.Module, name: str) -> nn.Parameter:
    path, _, attribute = name.rpartition('.')
    scripted = 'a TorchScript module cannot be masked; mask the model that it is made from'
    if isinstance(model, torch.jit.ScriptModule):
        raise ValueError(scripted)
    try:
        owner = model.get_submodule(path)
    except AttributeError:
        owner = nn.Module()
    if isinstance(owner, torch.jit.ScriptModule):
        raise ValueError(scripted)
    parameter = owner._parameters.get(attribute)
    if parameter is None:
        raise ValueError(f'the mask names {name!r}, which is no parameter of the model')
    if isinstance(parameter, nn.UninitializedParameter):
        raise ValueError(f'{name!r} of a {type(owner).__name__} has no weights to mask yet')
    return parameter
