"""What happens in a network while it runs: the inputs of layers, and what uses their outputs."""

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mmlth.runtime.enlarging import enlargement

_METADATA = {
    *('device', 'dim', 'dtype', 'is_contiguous', 'is_floating_point', 'layout', 'ndim', 'numel'),
    *('requires_grad', 'shape', 'size'),
}
"""Functions and attributes that tell of a tensor without its numbers."""


@dataclass
class Output:
    """A tensor that a module returned.

    Attributes:
        module: Name of the module.
        users: Names of the modules whose own code used the tensor, in order; '' is the network.
    """

    module: str
    users: list[str] = field(default_factory=list)


@dataclass
class Observation:
    """What happened.

    Attributes:
        shapes: The shape of the first input in each call, by module.
        sources: The output that was the first input in each call, by module; None for a tensor that
            no module returned.
        outputs: What each call of a module returned, by module; a module that returns the tensor of
            one within it shares its output.
        enlarging: The modules whose own code repeats numbers; '' is the network. See `enlargement`.
    """

    shapes: dict[str, list[tuple[int, ...]]]
    sources: dict[str, list[Output | None]]
    outputs: dict[str, list[Output]]
    enlarging: set[str] = field(default_factory=set)

    def follower(self, name: str) -> str | None:
        """The module that alone uses what a module returns; None if there is no such.

        Args:
            name: Name of the module.
        """
        users = {user for output in self.outputs.get(name, []) for user in output.users or ['']}
        return (users.pop() or None) if len(users) == 1 else None

    def leaders(self, name: str) -> set[str]:
        """The modules whose outputs a module is given; '' among them if there are other tensors.

        Args:
            name: Name of the module.
        """
        return {source.module if source else '' for source in self.sources.get(name, [])}


def tensors_in(values: Any) -> Iterator[Tensor]:
    """The tensors in nested sequences and mappings.

    Args:
        values: Anything.
    """
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from tensors_in(value)
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from tensors_in(value)


def observe(model: nn.Module, run: Callable[[nn.Module], Any]) -> Observation:
    """Runs a network and takes down what happens.

    Args:
        model: The network; a module of it that stands in several places counts as one.
        run: Runs it, and returns what it computes.
    """
    seen = Observation(defaultdict(list), defaultdict(list), defaultdict(list))
    known: dict[int, tuple[weakref.ref[Tensor], Output]] = {}
    running = ['']

    def output_of(tensor: Any) -> Output | None:
        reference, output = known.get(id(tensor), (None, None))
        return output if reference is not None and reference() is tensor else None

    def use(values: Any) -> None:
        for tensor in tensors_in(values):
            output = output_of(tensor)
            if output is not None:
                output.users.append(running[-1])

    class Uses(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            name = getattr(func, '__name__', '')
            if name == '__get__':  # of an attribute
                name = getattr(getattr(func, '__self__', None), '__name__', '')
            if name not in _METADATA:
                use((args, kwargs))
            if func is nn.functional.interpolate and enlargement(*args, **(kwargs or {})):
                seen.enlarging.add(running[-1])
            return func(*args, **(kwargs or {}))

    def enter(name: str, inputs: tuple[Any, ...]) -> None:
        running.append(name)
        if inputs and isinstance(inputs[0], Tensor):
            seen.shapes[name].append(tuple(inputs[0].shape))
            seen.sources[name].append(output_of(inputs[0]))

    def leave(name: str, inputs: tuple[Any, ...], result: Any) -> None:
        running.pop()
        if not isinstance(result, Tensor):
            use(result)  # whoever called the module may use them
            return
        output = output_of(result)
        if output is None or (inputs and result is inputs[0]):  # what works in place makes it anew
            output = Output(name)
        seen.outputs[name].append(output)
        known[id(result)] = weakref.ref(result), output

    handles = []
    for name, module in model.named_modules():
        if name:
            handles += [
                module.register_forward_pre_hook(lambda _, x, name=name: enter(name, x)),
                module.register_forward_hook(lambda _, x, y, name=name: leave(name, x, y)),
            ]
    try:
        with torch.no_grad(), Uses():
            use(run(model))
    finally:
        for handle in handles:
            handle.remove()
    return seen


def has_hooks(module: nn.Module) -> bool:
    """Whether somebody looks at what goes in or comes out."""
    return bool(module._forward_hooks or module._forward_pre_hooks)
