"""Which form of a layer is the fastest on this machine: measured."""

import math
import time
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from mmlth.runtime.acceleration import Shape
from mmlth.runtime.activations import IDENTITY, Activation
from mmlth.runtime.geometry import Geometry, Pair
from mmlth.runtime.layers import DenseLayer, SparseConv2d, SparseLayer, SparseLinear
from mmlth.runtime.observation import has_hooks
from mmlth.runtime.plan import Tile, compiled_tiles

Key = TypeVar('Key', bound=Hashable)

DENSEST = 0.7
"""Layers of a higher density stay dense without a try."""
GAIN = 0.97
"""A sparse layer is taken if it needs at most this share of the dense one's time."""
FILLED = 0.7
"""Output channels are tried four at a time if at least this share of what is read is kept."""
VECTORS = {1: (4, 6, 8, 12), 4: (2, 3, 4, 6)}
"""Lengths of tiles that are tried, by how many output channels they are of."""
CACHES = (24, 48, 96, 10_000)
"""Sizes of blocks that are tried, in KiB: around that of a first cache, and one block for all."""
STRIP = 32
"""Width of the strips that are tried, for images at least three times as wide."""


@dataclass(frozen=True)
class Measured:
    """A layer, dense and sparse.

    Attributes:
        density: The share of its weights that are kept.
        dense: Seconds of the dense layer on its inputs of one run of the network.
        sparse: Seconds of the sparse one; None if it was not tried.
        layer: The sparse layer, if it is faster.
        reason: Why it was not tried.
    """

    density: float
    dense: float
    sparse: float | None = None
    layer: SparseLayer | None = None
    reason: str = ''


def measure(layer: nn.Module, shapes: list[Shape]) -> Measured:
    """Finds the fastest form of a layer.

    Args:
        layer: A convolution, a linear layer, or a `DenseLayer` of one.
        shapes: The shapes of its inputs in one run of the network.
    """
    inner = inner_layer(layer)
    activation = layer.activation if isinstance(layer, DenseLayer) else IDENTITY
    density = int(inner.weight.count_nonzero()) / max(inner.weight.numel(), 1)
    inputs = {shape: _noise(shape) for shape in shapes}
    reason = 'watched by a hook' if has_hooks(layer) else _unfit(inner, density, shapes)
    if not all(_runs(layer, x) for x in inputs.values()):
        return Measured(density, 0.0, reason='does not run by itself')
    new = None
    if not reason:
        best = {_size(inner, s): _best_tile(inner, activation, x) for s, x in inputs.items()}
        new = sparse(inner, activation, best)
        new.merges = layer.merges if isinstance(layer, DenseLayer) else ()
        with torch.no_grad():
            if not all(_alike(layer(x), new(x)) for x in inputs.values()):
                new, reason = None, 'computes something of its own'
    total = {'dense': 0.0, 'sparse': 0.0}
    for shape, times in Counter(shapes).items():
        runs: dict[str, Callable[[], Any]] = {'dense': partial(layer, inputs[shape])}
        if new is not None:
            runs['sparse'] = partial(new, inputs[shape])
        for name, seconds in timed(runs, 5).items():
            total[name] += seconds * times
    if new is None:
        return Measured(density, total['dense'], reason=reason)
    gains = total['sparse'] <= GAIN * total['dense']
    return Measured(density, total['dense'], total['sparse'], new if gains else None)


def inner_layer(layer: nn.Module) -> Any:
    """The convolution or linear layer that a `DenseLayer` is of, or the layer itself."""
    return layer.layer if isinstance(layer, DenseLayer) else layer


def sparse(inner: Any, activation: Activation, tiles: Mapping[Pair, Tile]) -> SparseLayer:
    """The sparse form of a layer.

    Args:
        inner: A convolution or linear layer.
        activation: What follows it.
        tiles: See `SparseLayer`.
    """
    if isinstance(inner, nn.Linear):
        weight = inner.weight[:, :, None, None]
        return SparseLinear(weight, inner.bias, Geometry(), tiles, activation)
    return SparseConv2d(inner.weight, inner.bias, _geometry(inner), tiles, activation)


def timed(runs: Mapping[Key, Callable[[], Any]], repeats: int) -> dict[Key, float]:
    """The shortest time of each of some functions, which run in turns, in seconds.

    Args:
        runs: The functions.
        repeats: How often each of them runs, after once to warm up.
    """
    seconds = dict.fromkeys(runs, math.inf)
    with torch.no_grad():
        for repeat in range(repeats + 1):
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                if repeat:
                    seconds[name] = min(seconds[name], time.perf_counter() - start)
    return seconds


def _best_tile(inner: Any, activation: Activation, x: Tensor) -> Tile:
    """First the form of the tile is chosen, then the size of blocks."""
    size = _size(inner, x.shape)
    layer = sparse(inner, activation, {})

    def best(tiles: list[Tile]) -> Tile:
        def run(tile: Tile) -> None:
            layer.tiles[size] = tile
            layer(x)

        left = list(dict.fromkeys(tiles))
        while len(left) > 1:  # the faster half is measured again
            seconds = timed({tile: partial(run, tile) for tile in left}, 2)
            left = sorted(left, key=seconds.__getitem__)[: (len(left) + 1) // 2]
        return left[0]

    strips = (None, STRIP) if _reach(inner)[0] > 1 and size[1] >= 3 * STRIP else (None,)
    known = compiled_tiles()
    filled = _filled(inner.weight) >= FILLED
    forms = [
        replace(tile, strip=strip)
        for tile in known
        for strip in strips
        if tile.lanes == known[0].lanes
        and tile.vectors in VECTORS[tile.together]
        and (tile.together == 1 or filled)
    ]
    blocks = _with_block(forms[0], inner, size, 48).slices
    form = best([replace(tile, slices=blocks) for tile in forms])
    return best([_with_block(form, inner, size, cache) for cache in CACHES])


def _with_block(tile: Tile, inner: Any, size: Pair, cache: int) -> Tile:
    """The tile with blocks whose copies of the input take this many KiB."""
    reach, geometry = _reach(inner), _geometry(inner)
    _, width = geometry.output_size(reach, size)
    halo = (reach[0] - 1) * geometry.dilation[0] // geometry.stride[0] * (tile.strip or width)
    slices = max(cache * 1024 // (4 * (tile.width + halo)), 1)
    most = inner.weight.shape[1] * reach[1] * geometry.stride[0]
    return replace(tile, slices=None if slices >= most else slices)


def _reach(inner: Any) -> Pair:
    height, width = inner.kernel_size if isinstance(inner, nn.Conv2d) else (1, 1)
    return height, width


def _filled(weight: Tensor) -> float:
    """The share of kept weights where output channels are taken four at a time."""
    kept = (weight != 0).flatten(1)
    kept = nn.functional.pad(kept, (0, 0, 0, -len(kept) % 4))
    together = kept.unflatten(0, (-1, 4))
    return int(kept.sum()) / max(4 * int(together.any(1).sum()), 1)


def _geometry(inner: Any) -> Geometry:
    if isinstance(inner, nn.Linear):
        return Geometry()
    return Geometry(inner.stride, _padding(inner) or (0, 0), inner.dilation)


def _padding(convolution: nn.Conv2d) -> Pair | None:
    """The padding at the top and at the left; None if that at the bottom or right differs."""
    if not isinstance(convolution.padding, str):
        return convolution.padding[0], convolution.padding[1]
    left, right, top, bottom = convolution._reversed_padding_repeated_twice
    return (top, left) if (top, left) == (bottom, right) else None


def _size(inner: Any, shape: Shape) -> Pair:
    """Height and width of an input; the vectors of a linear layer are an image of one row."""
    return (1, math.prod(shape[:-1])) if isinstance(inner, nn.Linear) else (shape[2], shape[3])


def _unfit(inner: Any, density: float, shapes: list[Shape]) -> str:
    """Why a layer is not tried; '' if it is."""
    if inner.weight.dtype != torch.float32 or inner.weight.device.type != 'cpu':
        return 'not in float32 on the CPU'
    if not any(math.prod(shape) for shape in shapes):
        return 'ran on nothing'
    if isinstance(inner, nn.Conv2d):
        if any(len(shape) != 4 for shape in shapes):
            return 'ran on single images'
        if inner.groups > 1:
            return 'grouped'
        if inner.padding_mode != 'zeros' or _padding(inner) is None:
            return 'padded in its own way'
    return f'over {DENSEST:.0%} dense' if density > DENSEST else ''


def _runs(layer: nn.Module, x: Tensor) -> bool:
    try:
        with torch.no_grad():
            layer(x)
    except Exception:  # one of a class of one's own takes and raises what it likes
        return False
    return True


def _noise(shape: Shape) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def _alike(expected: Tensor, computed: Tensor) -> bool:
    if expected.shape != computed.shape:
        return False
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    return bool((expected - computed).abs().le(1e-4 * scale + 1e-6).all())
