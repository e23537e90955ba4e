"""How dense the layers of a mask are, and which of their parts are wholly zero."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor


class Zeros(NamedTuple):
    """How many parts of a weight are wholly zero, and of how many."""

    zero: int
    of: int


@dataclass(frozen=True)
class Layer:
    """One masked weight.

    Attributes:
        name: The parameter's name.
        shape: Its shape: [out, in, *kernel] of a convolution, [out, in] of a linear layer.
        total: Number of weights.
        kept: Number of weights kept.
        kernels: The kernels, one for each pair of an output and an input channel; None where the
            weight is not that of a convolution. A kernel of 1 × 1 is a single weight.
        outputs: The slices along the first axis, which are output channels (input channels in a
            transposed convolution).
        inputs: The slices along the second axis, which are input channels (of all groups at once
            in a grouped convolution); None where there is no second axis.
    """

    name: str
    shape: tuple[int, ...]
    total: int
    kept: int
    kernels: Zeros | None
    outputs: Zeros
    inputs: Zeros | None

    @property
    def density(self) -> float:
        """Share of the weights that is kept, in [0, 1]."""
        return density(self.kept, self.total)


@dataclass(frozen=True)
class Module:
    """The layers whose names share their first component, such as ``backbone``.

    Attributes:
        name: The first component.
        layers: Number of masked weights.
        total: Number of weights in them.
        kept: Number of weights kept.
        kernels: The kernels of the layers together, but for kernels of 1 × 1, which are single
            weights; None where there are no others.
        outputs: The slices of the layers together.
        inputs: The slices of the layers together.
    """

    name: str
    layers: int
    total: int
    kept: int
    kernels: Zeros | None
    outputs: Zeros
    inputs: Zeros | None

    @property
    def density(self) -> float:
        """Share of the weights that is kept, in [0, 1]."""
        return density(self.kept, self.total)


def density(kept: int, total: int) -> float:
    """The share of weights that is kept, in [0, 1]; of no weights it is 1.

    Args:
        kept: Number of weights kept.
        total: Number of weights.
    """
    return kept / total if total else 1.0


def module_of(name: str) -> str:
    """The first component of a dotted name."""
    return name.partition('.')[0]


def layers(mask: Mapping[str, Tensor]) -> list[Layer]:
    """Counts the weights of each layer of a mask (name to bool tensor, true where kept)."""
    return [_layer(name, kept) for name, kept in mask.items()]


def modules(layers: Sequence[Layer]) -> list[Module]:
    """Sums layers up by module, in order of first appearance."""
    return [summed(name, group) for name, group in by_module(layers).items()]


def by_module(layers: Iterable[Layer]) -> dict[str, list[Layer]]:
    """The layers of each module, in order of first appearance."""
    groups: dict[str, list[Layer]] = {}
    for layer in layers:
        groups.setdefault(module_of(layer.name), []).append(layer)
    return groups


def summed(name: str, group: Sequence[Layer]) -> Module:
    """Counts layers together as one module.

    Args:
        name: The name of the module.
        group: Its layers.
    """
    return Module(
        name,
        len(group),
        sum(layer.total for layer in group),
        sum(layer.kept for layer in group),
        _sum(layer.kernels for layer in group if math.prod(layer.shape[2:]) > 1),
        _sum(layer.outputs for layer in group) or Zeros(0, 0),
        _sum(layer.inputs for layer in group),
    )


def _layer(name: str, kept: Tensor) -> Layer:
    kernels = inputs = None
    # Of [out, in] what keeps anything; NumPy asks along an axis ten times as fast as torch.
    alive = (kept.flatten(2).any(2) if kept.dim() > 2 else kept).cpu().numpy()
    if kept.dim() > 2:
        kernels = _zeros(alive)
    if kept.dim() > 1:
        inputs = _zeros(np.asarray(alive.any(0)))
        alive = np.asarray(alive.any(1))
    return Layer(
        name,
        tuple(kept.shape),
        kept.numel(),
        int(kept.count_nonzero()),
        kernels,
        _zeros(alive),
        inputs,
    )


def _zeros(alive: npt.NDArray[np.bool_]) -> Zeros:
    return Zeros(alive.size - int(np.count_nonzero(alive)), alive.size)


def _sum(parts: Iterable[Zeros | None]) -> Zeros | None:
    known = [part for part in parts if part is not None]
    return Zeros(sum(p.zero for p in known), sum(p.of for p in known)) if known else None
