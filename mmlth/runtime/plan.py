"""The kernel's arguments for a convolution of inputs of one size."""

import ctypes
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mmlth.runtime.activations import Activation
from mmlth.runtime.compiler import kernel
from mmlth.runtime.errors import AccelerationError
from mmlth.runtime.geometry import Geometry, Pair
from mmlth.runtime.packing import Packing

BYTES_OF_COPIES = 500 * 1024
"""The copies of the input that a thread works on should stay in its second cache, among others."""

STREAMED_BYTES = 2 * 1024 * 1024
"""Outputs of at least this size are written past the caches, which else read what they replace."""

_NO_SUCH_TILE = 1
_NUMBERS = (
    'channels',
    'height',
    'width',
    'out_channels',
    'out_height',
    'out_width',
    'stride_y',
    'stride_x',
    'in_plane',
    'in_row',
    'in_column',
    'out_plane',
    'out_column',
    'strip',
    'stretch',
    'slices',
    'halo',
    'pitch',
    'lanes',
    'vectors',
    'together',
    'parts',
    'blocks',
    'activation',
    'streams',
)
_POINTERS = ('slice', 'rows', 'row_of_block', 'entries', 'weights')


class _Plan(ctypes.Structure):
    """``Plan`` of ``kernel.cpp``."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in _NUMBERS),
        ('low', ctypes.c_double),
        ('high', ctypes.c_double),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    ]


@dataclass(frozen=True)
class Tile:
    """How a layer is worked off.

    Attributes:
        lanes: Numbers in a vector.
        vectors: Vectors of outputs that stay in registers.
        together: Output channels that share a position of the kernel: 1 or 4.
        slices: Slices in a block, all by default; see `mmlth.runtime.packing`.
        strip: Columns of outputs that are computed together, all by default.
    """

    lanes: int
    vectors: int
    together: int = 1
    slices: int | None = None
    strip: int | None = None

    @property
    def width(self) -> int:
        """Outputs of a channel that are computed at a time."""
        return self.lanes * self.vectors


class Plan:
    """A convolution of inputs of one size.

    Args:
        packing: The weights.
        shape: Shape of the weight: output and input channels, height and width.
        geometry: How the kernel moves.
        size: Height and width of the input.
        tile: How it is worked off; ``together`` must be that of ``packing``.
        activation: What is applied to the sums.
        known: Entries of other plans of the layer, which are shared where they are the same.
        channels_last: Whether input and output have their channels in the last dimension rather
            than in the second.
        threads: For how many threads there should be work.
        batch: For how many images at a time.

    Raises:
        AccelerationError: If the output would be empty.
    """

    def __init__(
        self,
        packing: Packing,
        shape: tuple[int, int, int, int],
        geometry: Geometry,
        size: Pair,
        tile: Tile,
        activation: Activation,
        known: MutableMapping[Any, Tensor],
        *,
        channels_last: bool = False,
        threads: int = 1,
        batch: int = 1,
    ) -> None:
        out_channels, channels, *reach = shape
        height, width = geometry.output_size((reach[0], reach[1]), size)
        if height < 1 or width < 1:
            raise AccelerationError(
                f'an input of {size[0]} × {size[1]} is smaller than the kernel of '
                f'{reach[0]} × {reach[1]}'
            )
        self.output_size = height, width
        strip = min(tile.strip or width, width)
        flat, strips = height * strip, -(-width // strip)
        halo = int(packing.row_of_entry.max()) * strip if len(packing.row_of_entry) else 0
        slices = len(packing.slices)
        stretch = _stretch(flat, tile.width, slices, halo, -(-threads // (max(batch, 1) * strips)))
        pitch = _apart(stretch + halo)
        if 4 * slices * pitch >= 2**31:
            raise AccelerationError(f'an input of {size[0]} × {size[1]} is too large')
        key = id(packing), pitch, strip if halo else 0
        entries = known.get(key)
        if entries is None:
            entries = known[key] = _entries(packing, pitch, strip)
        self._packing = packing  # whose identity tells entries apart while they are shared
        self._kept: tuple[Tensor, ...] = (packing.slices, packing.rows, packing.row_of_block)
        self._kept += (entries, packing.weights)
        numbers: dict[str, Any] = dict(
            channels=channels,
            height=size[0],
            width=size[1],
            out_channels=out_channels,
            out_height=height,
            out_width=width,
            stride_y=geometry.stride[0],
            stride_x=geometry.stride[1],
            in_plane=1 if channels_last else size[0] * size[1],
            in_row=size[1] * (channels if channels_last else 1),
            in_column=channels if channels_last else 1,
            out_plane=1 if channels_last else height * width,
            out_column=out_channels if channels_last else 1,
            strip=strip,
            stretch=stretch,
            slices=slices,
            halo=halo,
            pitch=pitch,
            lanes=tile.lanes,
            vectors=tile.vectors,
            together=packing.together,
            parts=packing.parts,
            blocks=packing.blocks,
            activation=activation.kind,
            streams=4 * out_channels * height * width >= STREAMED_BYTES,
            low=activation.low,
            high=activation.high,
        )
        pointers = {name: kept.data_ptr() for name, kept in zip(_POINTERS, self._kept)}
        self._plan = _Plan(**numbers, **pointers)
        self._convolve = kernel().convolve

    def __call__(
        self,
        x: Tensor,
        bias: Tensor,
        out: Tensor,
        other: Tensor | None = None,
        threads: int = 1,
    ) -> None:
        """Convolves.

        Args:
            x: Contiguous float32 [N, input channels, height, width]; with ``channels_last`` [N,
                height, width, input channels].
            bias: Contiguous float32 [output channels].
            out: What is written, contiguous, in the same order of dimensions.
            other: What is added before the activation, like ``out``.
            threads: How many threads compute.

        Raises:
            AccelerationError: If the kernel has no tile of this form.
            MemoryError: If there is none.
        """
        status = self._convolve(
            ctypes.addressof(self._plan),
            x.data_ptr(),
            bias.data_ptr(),
            None if other is None else other.data_ptr(),
            out.data_ptr(),
            len(x),
            threads,
        )
        if status == _NO_SUCH_TILE:
            raise AccelerationError('the kernel on this machine has no tile as the layer was given')
        if status:
            raise MemoryError('there is no memory for a sparse layer')


def _entries(packing: Packing, pitch: int, strip: int) -> Tensor:
    """The kept weights as the kernel reads them.

    Args:
        packing: The weights.
        pitch: Distance of slices, in floats.
        strip: Width of a row of a slice, in floats.

    Returns:
        int64 [entries]: the distance in bytes from the start of a tile in the upper half, the bits
        of the weight in the lower one.
    """
    entries = 4 * (packing.slice_of_entry * pitch + packing.row_of_entry * strip) << 32
    if packing.together == 1:
        entries |= packing.weights[:, 0].view(torch.int32).long() & 0xFFFFFFFF
    return entries


def _stretch(flat: int, width: int, slices: int, halo: int, least: int) -> int:
    """How many outputs of a strip a thread computes from one copy of the input.

    A whole number of tiles, as many as the second cache holds, but about twice the halo at least,
    which is copied again for the next stretch.

    Args:
        flat: Outputs of a strip.
        width: Outputs of a tile.
        slices: Number of slices.
        halo: Numbers of a slice that are needed behind those of the outputs.
        least: Into how many stretches a strip is divided at least, if it has so many tiles.
    """
    tiles = -(-flat // width)
    fitting = max(BYTES_OF_COPIES // (4 * max(slices, 1)) - halo, 2 * halo) // width
    count = max(-(-tiles // max(fitting, 1)), min(least, tiles))
    return -(-tiles // count) * width


def _apart(floats: int) -> int:
    """A distance of at least this many floats: an odd number of cache lines.

    So that slices share the places of a cache evenly, whatever the size of the image.
    """
    return (-(-floats // 16) | 1) * 16


def compiled(tile: Tile) -> Tile:
    """A tile that the kernel has on this machine: that itself, or the one most like it."""
    if kernel().has_tile(tile.lanes, tile.vectors, tile.together):
        return tile
    known = [each for each in compiled_tiles() if each.together == tile.together]
    nearest = min(known, key=lambda each: abs(each.width - tile.width))
    return replace(nearest, slices=tile.slices, strip=tile.strip)


def compiled_tiles() -> list[Tile]:
    """The tiles that the kernel has on this machine."""
    library = kernel()
    widest = library.widest()
    return [
        Tile(lanes, vectors, together)
        for lanes in (widest, widest // 2)
        for together, counts in ((1, (1, 2, 3, 4, 6, 8, 12, 16, 24)), (4, (1, 2, 3, 4, 6)))
        for vectors in counts
        if library.has_tile(lanes, vectors, together)
    ]
