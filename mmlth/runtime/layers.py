"""Convolutions and linear layers that read their kept weights only."""

import math
import weakref
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit._trace import is_tracing

from mmlth.runtime.activations import IDENTITY, Activation
from mmlth.runtime.errors import AccelerationError
from mmlth.runtime.geometry import Geometry, Pair
from mmlth.runtime.merged import Accelerated, marked
from mmlth.runtime.packing import Packing, pack
from mmlth.runtime.plan import Plan, Tile, compiled

MOST_PLANS = 16
"""How many plans a layer remembers: inputs of more sizes are planned again."""


class SparseLayer(Accelerated):
    """A convolution of kept weights, for inference on a CPU in float32.

    It has no weight that could change: ``bias`` is the only parameter. Copies and pickles work.

    Args:
        weight: float32 [output channels, input channels, height, width]; its zeros are left out.
        bias: float32 [output channels], or None.
        geometry: How the kernel moves.
        tiles: How it is worked off, by the height and width of inputs. Those of other sizes go by
            that of the most similar size.
        activation: What is applied to the sums.
        merges: Names of the modules that the layer has taken over.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None,
        geometry: Geometry,
        tiles: Mapping[Pair, Tile],
        activation: Activation = IDENTITY,
        merges: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.merges = merges
        self.shape = tuple(weight.shape)
        self.geometry = geometry
        self.tiles = dict(tiles)
        self.activation = activation
        weight = weight.detach().cpu()
        bias = torch.zeros(len(weight)) if bias is None else bias.detach().float().clone()
        self.bias = nn.Parameter(bias, requires_grad=False)
        # No buffers: they are neither saved, nor converted, nor moved.
        self._places = weight.flatten().nonzero()[:, 0]
        self._values = weight.flatten()[self._places]
        self._packings: dict[tuple[int, int | None, int], Packing] = {}
        self._plans: dict[tuple[Pair, Tile, int, int], Plan] = {}
        self._entries: weakref.WeakValueDictionary[Any, Tensor] = weakref.WeakValueDictionary()

    @property
    def density(self) -> float:
        """The share of weights that are kept."""
        return len(self._places) / max(math.prod(self.shape), 1)

    @property
    def weight(self) -> Tensor:
        """A copy of the weight with its zeros, float32 of shape ``shape``."""
        weight = torch.zeros(math.prod(self.shape))
        weight[self._places] = self._values
        return weight.reshape(self.shape)

    def extra_repr(self) -> str:
        """What is printed in the brackets."""
        out, inp, height, width = self.shape
        return f'{inp}, {out}, kernel_size=({height}, {width}), density={self.density:.3f}'

    def __getstate__(self) -> dict[str, Any]:
        """Without plans: they hold addresses."""
        return {**self.__dict__, '_packings': {}, '_plans': {}, '_entries': None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restores what `__getstate__` leaves out."""
        super().__setstate__({**state, '_entries': weakref.WeakValueDictionary()})

    def _check(self, x: Tensor, channels: int, other: Tensor | None = None) -> None:
        if is_tracing() or torch.compiler.is_compiling():
            raise AccelerationError(
                'an accelerated model cannot be traced, compiled or exported; do that with the '
                'model that it was made from'
            )
        for tensor in (x, self.bias) if other is None else (x, self.bias, other):
            if tensor.dtype != torch.float32 or tensor.device.type != 'cpu':
                raise AccelerationError(
                    'an accelerated layer takes float32 on the CPU, without autocast, got '
                    f'{tensor.dtype} on {tensor.device}'
                )
        if self.bias.shape != (self.shape[0],):
            raise AccelerationError(
                f'an accelerated layer has {self.shape[0]} biases, got {tuple(self.bias.shape)}'
            )
        if channels != self.shape[1]:
            raise AccelerationError(
                f'an accelerated layer expects {self.shape[1]} input channels, got an input of '
                f'shape {tuple(x.shape)}'
            )
        if torch.is_grad_enabled() and x.requires_grad:
            raise AccelerationError(
                'an accelerated layer has no gradients; run it under torch.no_grad()'
            )

    def _plan(self, size: Pair, batch: int, channels_last: bool) -> Plan:
        count = torch.get_num_threads()
        key = size, self._tile(size), min(batch, count), count
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._new_plan(size, key[1], batch, count, channels_last)
            for oldest in list(self._plans)[:-MOST_PLANS]:
                self._plans.pop(oldest, None)  # another thread may have done so
        return plan

    def _tile(self, size: Pair) -> Tile:
        """That of the size itself or of the one with the most similar number of pixels."""
        pixels = size[0] * size[1]
        nearest = min(self.tiles, key=lambda known: abs(known[0] * known[1] - pixels))
        return self.tiles.get(size) or self.tiles[nearest]

    def _new_plan(
        self, size: Pair, tile: Tile, batch: int, count: int, channels_last: bool
    ) -> Plan:
        tile = compiled(tile)  # else it was pickled on a machine with other vectors
        height, width = self.geometry.output_size((self.shape[2], self.shape[3]), size)
        tiles = max(batch, 1) * -(-max(height * width, 1) // tile.width)
        parts = min(-(-count // tiles), -(-self.shape[0] // tile.together))
        key = tile.together, tile.slices, parts
        packing = self._packings.get(key)
        if packing is None:
            packing = pack(self.weight, self.geometry, tile.together, tile.slices, parts)
            packing = self._packings.setdefault(key, packing)
        return Plan(
            packing,
            self.shape,  # type: ignore[arg-type]
            self.geometry,
            size,
            tile,
            self.activation,
            self._entries,
            channels_last=channels_last,
            threads=count,
            batch=batch,
        )


class SparseConv2d(SparseLayer):
    """A convolution of kept weights."""

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """Convolves, adds, activates.

        Args:
            x: float32 [N, input channels, height, width].
            other: What is added before the activation, of the output's shape.

        Returns:
            float32 [N, output channels, height, width].

        Raises:
            AccelerationError: If ``x`` is of another kind or smaller than the kernel.
        """
        if x.dim() != 4:
            raise AccelerationError(
                f'an accelerated layer expects an input of 4 dimensions, got one of shape '
                f'{tuple(x.shape)}'
            )
        self._check(x, x.shape[1], other)
        plan = self._plan((x.shape[2], x.shape[3]), len(x), False)
        out = x.new_empty(len(x), self.shape[0], *plan.output_size)
        if other is not None:
            if other.shape != out.shape:
                raise AccelerationError(
                    f'cannot add {tuple(other.shape)} to an output of {tuple(out.shape)}'
                )
            other = other.contiguous()
        bias = self.bias.contiguous()
        plan(x.contiguous(), bias, out, other, threads=torch.get_num_threads())
        return marked(out, self.merges)


class SparseLinear(SparseLayer):
    """A linear layer of kept weights: a convolution of 1 × 1 whose pixels are the vectors."""

    def forward(self, x: Tensor) -> Tensor:
        """Multiplies.

        Args:
            x: float32 [..., input features].

        Returns:
            float32 [..., output features].

        Raises:
            AccelerationError: If ``x`` is of another kind.
        """
        self._check(x, x.shape[-1])
        vectors = x.reshape(-1, x.shape[-1])
        out = x.new_empty(len(vectors), self.shape[0])
        if len(vectors):
            plan = self._plan((1, len(vectors)), 1, True)
            plan(
                vectors[None].contiguous(),
                self.bias.contiguous(),
                out[None],
                threads=torch.get_num_threads(),
            )
        return marked(out.reshape(*x.shape[:-1], self.shape[0]), self.merges)


class DenseLayer(Accelerated):
    """A convolution or linear layer of torch with what follows it.

    Args:
        layer: The layer.
        activation: What is applied to its output.
        merges: Names of the modules that the layer has taken over.
    """

    def __init__(
        self, layer: nn.Module, activation: Activation = IDENTITY, merges: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self.layer = layer
        self.activation = activation
        self.merges = merges

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """Computes the layer, adds ``other`` of its shape, activates."""
        out = self.layer(x)
        return marked(self.activation(out if other is None else out.add_(other)), self.merges)
