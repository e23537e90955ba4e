"""How many multiply–accumulates a forward pass takes, dense and with a ticket's weights alone."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from mmlth.messages import join_names
from mmlth.pruning.errors import PruningError
from mmlth.pruning.mask import Mask
from mmlth.pruning.targets import PRUNABLE_PARAMETERS


@dataclass(frozen=True)
class LayerMacs:
    """The MACs of one layer or module.

    Attributes:
        name: The name of a parameter, or of the module that multiplies numbers none of which is a
            parameter, as attention does.
        dense: The MACs with every weight.
        sparse: The MACs with the kept weights alone.
    """

    name: str
    dense: int
    sparse: int


@dataclass(frozen=True)
class Macs:
    """The multiply–accumulates (MACs) of one forward pass with dense weights.

    Those of convolutions and matrix products; norms, activations, additions and sampling count
    nothing. Positions in the padding count like all others.

    Attributes:
        weights: The MACs by the parameter whose numbers are multiplied; uses are summed.
        others: The MACs of products that none of the parameters enters as it is, by the innermost
            module.
        uncounted: Layers (parameter name to class name) that ran by an operator which the counter
            does not know: their MACs are missing in the sum.
        unused: Parameters of layers that were not called, and so count nothing themselves.
    """

    weights: dict[str, int]
    others: dict[str, int]
    uncounted: dict[str, str]
    unused: tuple[str, ...]

    @property
    def dense(self) -> int:
        """The MACs in total."""
        return sum(self.weights.values()) + sum(self.others.values())

    def layers(self, mask: Mask) -> list[LayerMacs]:
        """The MACs by layer; those of a masked weight times its density when sparse.

        This is exact for convolutions and linear layers, which use each weight equally often.
        """
        counts = {name: (int(kept.count_nonzero()), kept.numel()) for name, kept in mask.items()}
        return self.weighted(counts)

    def weighted(self, counts: Mapping[str, tuple[int, int]]) -> list[LayerMacs]:
        """The same from numbers of weights.

        Args:
            counts: The number of weights kept, and of all weights, by masked parameter.
        """
        counted = []
        for name, dense in self.weights.items():
            kept, total = counts.get(name, (1, 1))
            counted.append(LayerMacs(name, dense, dense * kept // total))
        return counted + [LayerMacs(name, dense, dense) for name, dense in self.others.items()]

    def sparse(self, mask: Mask) -> int:
        """The MACs in total with the kept weights alone."""
        return sum(work.sparse for work in self.layers(mask))

    def per_weight(self, weights: Mapping[str, Tensor]) -> dict[str, int]:
        """The MACs that one weight of each layer takes: the positions that it is applied to.

        They are what `mmlth.pruning.prune` takes as ``costs``. Where a layer uses its weights
        unequally often, as attention to other inputs does, it is their mean, rounded.

        Args:
            weights: The weights, or masks of them, by name.

        Raises:
            PruningError: If the forward pass did not use one, or by an operator that the counter
                does not know.
        """
        unknown = [name for name in weights if not self.weights.get(name)]
        if unknown:
            why = [
                f'{name} ({self.uncounted[name]}: operator not known)'
                if name in self.uncounted
                else f'{name} (not used)'
                for name in unknown
            ]
            raise PruningError(f'no multiply-adds were counted for {join_names(why)}')
        return {
            name: max(1, round(Fraction(self.weights[name], weight.numel())))
            for name, weight in weights.items()
        }


def count_macs(model: nn.Module, run: Callable[[], Any]) -> Macs:
    """Counts the MACs of a forward pass, without gradients.

    Args:
        model: The model with dense weights, in the mode (eval) that is to be counted.
        run: Runs the model or parts of it once, on one image for MACs an image.
    """
    parameters = {
        parameter.untyped_storage().data_ptr(): name
        for name, parameter in model.named_parameters()
        if parameter.dim() > 1 and parameter.numel()
    }
    running: list[str] = []
    called: set[str] = set()
    with (
        _without_gradients(model),
        _known_attention(),
        _tracked(model, running, called),
        FlopCounterMode(display=False) as counter,
        _Attribution(counter, parameters, running) as counted,
    ):
        run()
    uncounted, unused = {}, []
    for name, parameter in model.named_parameters():
        path, _, attribute = name.rpartition('.')
        owner = model.get_submodule(path)
        if (
            attribute not in PRUNABLE_PARAMETERS
            or parameter.dim() < 2
            or isinstance(owner, nn.Embedding)  # it looks up, which multiplies nothing
            or name in counted.weights
        ):
            continue
        if path not in called:
            unused.append(name)
        elif path not in counted.others:  # else it multiplies by what it computes from its weight
            uncounted[name] = type(owner).__name__
    order = [name for name, _ in model.named_parameters() if name in counted.weights]
    weights = {name: counted.weights[name] for name in order}
    return Macs(weights, dict(counted.others), uncounted, tuple(unused))


class _Attribution(TorchDispatchMode):
    """Books what a counter counts to the parameter that each operation uses, else to the module."""

    def __init__(
        self, counter: FlopCounterMode, parameters: Mapping[int, str], running: list[str]
    ) -> None:
        super().__init__()
        self.counter = counter
        self.parameters = parameters
        self.running = running
        self.weights: Counter[str] = Counter()
        self.others: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        before = self.counter.get_total_flops()
        result = func(*args, **(kwargs or {}))
        flops = self.counter.get_total_flops() - before
        packet = getattr(func, '_overloadpacket', None)
        if flops or packet in self.counter.flop_registry:  # it counts 0 of an empty input
            # The weight comes after the input, be it of a convolution or a matrix product.
            used = [name for arg in args if (name := self._name(arg)) is not None]
            if used:
                self.weights[used[-1]] += flops // 2
            else:
                self.others[self.running[-1] if self.running else ''] += flops // 2
        return result

    def _name(self, value: Any) -> str | None:
        """The parameter that a tensor is or views."""
        if not isinstance(value, Tensor):
            return None
        return self.parameters.get(value.untyped_storage().data_ptr())


@contextlib.contextmanager
def _tracked(model: nn.Module, running: list[str], called: set[str]) -> Iterator[None]:
    """Keeps the names of the modules that run, innermost last, and of those that ever ran."""
    handles = []
    for name, module in model.named_modules():

        def enter(_: nn.Module, __: Any, name: str = name) -> None:
            running.append(name)
            called.add(name)

        def leave(_: nn.Module, __: Any, ___: Any) -> None:
            running.pop()

        handles.append(module.register_forward_pre_hook(enter))
        handles.append(module.register_forward_hook(leave, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def _without_gradients(model: nn.Module) -> Iterator[None]:
    """Runs without gradients, lest the counter add hooks to parameters handed to a module."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        with torch.no_grad():
            yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


@contextlib.contextmanager
def _known_attention() -> Iterator[None]:
    """Attention by operators that the counter knows rather than by fused ones."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
