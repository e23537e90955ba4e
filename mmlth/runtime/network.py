"""A network made faster: layers that gain replaced by sparse ones, and what follows them merged."""

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mmlth.messages import reason
from mmlth.pruning import detach_mask
from mmlth.runtime.acceleration import COLUMNS, Acceleration, Layer, Shape
from mmlth.runtime.blocks import residual_block
from mmlth.runtime.compiler import kernel
from mmlth.runtime.enlarging import EnlargingForward, upsampling
from mmlth.runtime.errors import AccelerationError, NoCompilerError
from mmlth.runtime.fusion import merge, replace, separate
from mmlth.runtime.layers import SparseLayer
from mmlth.runtime.merged import refuse_training
from mmlth.runtime.observation import has_hooks, observe, tensors_in
from mmlth.runtime.pooling import pooling
from mmlth.runtime.tuning import inner_layer, measure, timed

Example = Tensor | tuple[int, int] | Callable[[nn.Module], Any]
"""An input, the height and width of an image, or a function that runs the network.

What the function returns is compared, if it holds tensors.
"""
MOST_THAT_DIFFER = 0.01
"""The share of an output's numbers that may differ by more than a thousandth of the largest."""


def accelerate(
    model: nn.Module,
    *examples: Example,
    show: Callable[[str], None] | None = print,
) -> Acceleration:
    """Makes a network with many zero weights faster, for inference on a CPU in float32.

    Batch norms and activations are merged into the convolutions before them; then each convolution
    and linear layer is measured, dense and sparse, on inputs of the sizes that it has in the
    examples, with as many threads as torch computes with. The accelerated network takes inputs of
    other sizes, too. The first call on a machine compiles the kernel, which takes some seconds;
    without a compiler the network stays dense, and a line says so.

    Args:
        model: The network; it is copied, and later changes of it have no effect on the copy.
        examples: What it is to be fast on: images, float32 [N, C, H, W]; or (height, width) for one
            image of three channels; or functions that run the network they are given.
        show: Prints lines of the table as they are measured; None prints nothing.

    Raises:
        AccelerationError: If there is no example, if the network does not run on one, or if it is
            not in float32 on the CPU.

    Example:
        >>> from torch import nn
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()).eval()
        >>> accelerate(net, (32, 32), show=None).layers[0].name
        '0'
    """
    if any(isinstance(module, SparseLayer) for module in model.modules()):
        raise AccelerationError(
            'the network is already accelerated; accelerate the one that it was made from'
        )
    runs = [_run_of(example) for example in examples]
    if not runs:
        raise AccelerationError(
            'accelerate needs an example, such as (height, width) of the images that the network '
            'is to be fast on'
        )
    show = show or (lambda _: None)

    def run_all(network: nn.Module) -> list[Any]:
        return [run(network) for run in runs]

    _check_numbers(model)
    given = copy.deepcopy(model).requires_grad_(False)
    given.eval()  # MMDetection's backbones return nothing from it
    detach_mask(given)
    _try(given, runs)
    fused = copy.deepcopy(given)
    places = _fuse(fused, run_all)
    if not _alike(given, fused, run_all):
        show('nothing is merged, since the network then fails or computes something else')
        fused = copy.deepcopy(given)
        places = _fuse(fused, run_all, merging=False)
    fast = copy.deepcopy(fused)
    layers, no_sparse = _replace_layers(fast, places, run_all, show)
    last: Any = copy.deepcopy(fused)
    forms = {
        'sparse': fast,
        'dense': fused,
        'dense, channels last': last.to(memory_format=torch.channels_last),
    }
    if all(layer.choice == 'dense' for layer in layers):
        del forms['sparse']
        no_sparse = no_sparse or 'since no layer gains'
    with torch.no_grad():
        compared = any(True for _ in tensors_in(run_all(given)))
    if not compared:
        show('what the examples return holds no tensors, so that outputs are not compared')
    wrong = [name for name, form in forms.items() if not _alike(given, form, run_all)]
    for name in wrong:
        show(f'left out, since it fails or computes something else on the examples: {name}')
        del forms[name]
    if 'sparse' in wrong:
        no_sparse = 'since the sparse form is wrong'
    forms['given'] = given
    seconds = timed({name: partial(run_all, form) for name, form in forms.items()}, 3)
    choice = fastest_form(seconds)
    if choice != 'sparse':
        layers = [dataclasses.replace(layer, choice='dense') for layer in layers]
    if choice != 'given':
        refuse_training(forms[choice])
    acceleration = Acceleration(
        forms[choice],
        tuple(layers),
        1e3 * seconds['given'],
        1e3 * seconds[choice],
        choice,
        no_sparse,
    )
    show(acceleration.summary())
    return acceleration


def _replace_layers(
    network: nn.Module,
    places: Sequence['_Place'],
    run: Callable[[nn.Module], Any],
    show: Callable[[str], None],
) -> tuple[list[Layer], str]:
    """Replaces what is measured to be faster in another form; returns why it cannot, if so."""
    try:
        kernel()
    except NoCompilerError as error:
        show(f'the network stays dense: {reason(error)}')
        return [], f'since {reason(error)}'
    _pool_and_enlarge(network, run)
    show(COLUMNS)
    layers = []
    for place in places:
        result = measure(network.get_submodule(place.path), place.shapes)
        if result.layer is not None:
            replace(network, place.path, result.layer)
        layers.append(
            Layer(
                place.name,
                tuple(place.shapes),
                result.density,
                1e3 * result.dense,
                None if result.sparse is None else 1e3 * result.sparse,
                'dense' if result.layer is None else 'sparse',
                result.reason,
            )
        )
        show(str(layers[-1]))
    return layers, ''


def _alike(given: nn.Module, form: nn.Module, run: Callable[[nn.Module], Any]) -> bool:
    """Whether a form of a network computes what that does, but for rounding.

    Single numbers may differ, for what a network chooses by its largest number can be the next one.
    Results that hold no tensors tell nothing.
    """
    with torch.no_grad():
        expected = list(tensors_in(run(given)))
        try:
            computed = list(tensors_in(run(form)))
        except Exception:  # such as a view that needs another memory format
            return False
    if [tensor.shape for tensor in expected] != [tensor.shape for tensor in computed]:
        return False
    for one, other in zip(expected, computed):
        if one.is_floating_point() and one.numel():
            scale = one.abs().nan_to_num(0, 0, 0).max()
            far = ~torch.isclose(one, other, 1e-3, 1e-3 * float(scale), equal_nan=True)
            if far.double().mean() > MOST_THAT_DIFFER:
                return False
    return True


def fastest_form(seconds: Mapping[str, float]) -> str:
    """The form of something that takes the least time.

    Args:
        seconds: The time of each, by name.
    """
    return min(seconds, key=seconds.__getitem__)


@dataclass(frozen=True)
class _Place:
    """Where a layer is after what follows it was merged.

    Attributes:
        path: Where it is.
        name: Its name before.
        shapes: The shapes of its inputs.
    """

    path: str
    name: str
    shapes: list[Shape]


def _fuse(
    network: nn.Module, run: Callable[[nn.Module], Any], merging: bool = True
) -> list[_Place]:
    """Merges norms, activations and additions into layers; returns the layers that ran."""
    separate(network)
    seen = observe(network, run)
    names = {id(module): name for name, module in network.named_modules()}
    if merging:
        merge(network, seen)
    for name, module in list(network.named_modules()) if merging else ():
        block = residual_block(module, seen.shapes[name][0]) if seen.shapes.get(name) else None
        if block is not None:
            replace(network, name, block)
    places = []
    inner: set[int] = set()
    for path, module in network.named_modules():
        layer = inner_layer(module)
        if isinstance(layer, (nn.Conv2d, nn.Linear)) and id(layer) not in inner:
            inner.add(id(layer))
            if shapes := seen.shapes.get(names[id(layer)]):
                places.append(_Place(path, names[id(layer)], shapes))
    return places


def _pool_and_enlarge(network: nn.Module, run: Callable[[nn.Module], Any]) -> None:
    """Replaces max pooling and upsampling where that gains, also in the code of modules.

    Not in that of the whole network, which would watch all that happens in it.
    """
    seen = observe(network, run)
    for name, module in list(network.named_modules()):
        new = pooling(module) or upsampling(module)
        if new is not None and name in seen.shapes and not has_hooks(module):
            x = torch.zeros(seen.shapes[name][0])
            forms = {'given': partial(module, x), 'new': partial(new, x)}
            if fastest_form(timed(forms, 5)) == 'new':
                replace(network, name, new)
        elif name and name in seen.enlarging and 'forward' not in module.__dict__:
            module.forward = EnlargingForward(module)


def _run_of(example: Any) -> Callable[[nn.Module], Any]:
    """A function that runs a network on an example."""
    if isinstance(example, tuple) and len(example) == 2:
        example = torch.randn(1, 3, *example, generator=torch.Generator().manual_seed(0))
    if isinstance(example, Tensor):
        return lambda network: network(example)
    if callable(example):
        return example
    kind = example if isinstance(example, tuple) else type(example).__name__
    raise AccelerationError(
        'an example must be a tensor, (height, width), or a function that runs the network it is '
        f'given; got {kind}'
    )


def _check_numbers(model: nn.Module) -> None:
    for name, tensor in model.named_parameters():
        if tensor.dtype != torch.float32 or tensor.device.type != 'cpu':
            raise AccelerationError(
                f'accelerate takes a network in float32 on the CPU, but {name} is in '
                f'{tensor.dtype} on {tensor.device}; convert it by .float().cpu()'
            )


def _try(network: nn.Module, runs: Sequence[Callable[[nn.Module], Any]]) -> None:
    """Runs the network once on each example.

    Raises:
        AccelerationError: If it fails.
    """
    for number, run in enumerate(runs, 1):
        try:
            with torch.no_grad():
                run(network)
        except Exception as error:  # whatever a model's own code raises
            raise AccelerationError(
                f'the network does not run on example {number}: {reason(error)}'
            ) from error
