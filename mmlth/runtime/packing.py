"""The kept weights of a convolution in the order in which the kernel reads them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mmlth.runtime.geometry import Geometry


@dataclass(frozen=True)
class Packing:
    """Kept weights, sorted by part of the output channels, block of slices, and output channel.

    A slice is what one input channel looks like to one column of the kernel (and, with a stride, to
    one of the rows between two steps): see ``kernel.cpp``.

    Attributes:
        together: How many output channels share a position of the kernel: 1 or 4.
        parts: Parts of the output channels, which different threads may compute.
        blocks: Blocks of slices.
        slices: int64 [slices, 3]: input channel, first row and first column of each.
        rows: int64 [rows + 1, 2]: the first output channel of each row, and its first entry.
        row_of_block: int64 [parts × blocks + 1]: the first row of each block.
        weights: float32 [entries, together].
        slice_of_entry: int64 [entries].
        row_of_entry: int64 [entries]: by how many output rows the entry is moved down its slice.
    """

    together: int
    parts: int
    blocks: int
    slices: Tensor
    rows: Tensor
    row_of_block: Tensor
    weights: Tensor
    slice_of_entry: Tensor
    row_of_entry: Tensor


def pack(
    weight: Tensor,
    geometry: Geometry,
    together: int = 1,
    slices_in_block: int | None = None,
    parts: int = 1,
) -> Packing:
    """Sorts the weights of a convolution that are not zero.

    Args:
        weight: float32 [output channels, input channels, height, width].
        geometry: How the kernel moves.
        together: How many consecutive output channels share each position of the kernel; where one
            of them keeps no weight it multiplies by zero.
        slices_in_block: How many slices make a block; by default all.
        parts: Into how many parts the output channels are divided.
    """
    channels, _, _, width = weight.shape
    out, inp, y, x = weight.nonzero(as_tuple=True)
    down = y * geometry.dilation[0]
    step = geometry.stride[0]
    used, slice_of_weight = torch.unique(
        (inp * step + down % step) * width + x, return_inverse=True
    )
    row = down // step
    rows_of_slice = int(row.max()) + 1 if len(row) else 1
    slices = torch.stack(
        [
            used // width // step,
            used // width % step - geometry.padding[0],
            used % width * geometry.dilation[1] - geometry.padding[1],
        ],
        1,
    )
    size = slices_in_block or max(len(used), 1)
    blocks = max(-(-len(used) // size), 1)
    groups = -(-channels // together)
    channels_of_part = -(-channels // parts)
    groups_of_part = -(-channels_of_part // together)

    # One entry for all weights of a group of output channels at the same place.
    group = out // together
    block = (group // groups_of_part) * blocks + slice_of_weight // size
    place = ((block * groups + group) * max(len(used), 1) + slice_of_weight) * rows_of_slice + row
    places, entry = torch.unique(place, return_inverse=True)
    weights = torch.zeros(len(places), together, dtype=torch.float32)
    weights[entry, out % together] = weight[out, inp, y, x].detach().float()
    row_of_entry = places % rows_of_slice
    slice_of_entry = places // rows_of_slice % max(len(used), 1)
    key = places // rows_of_slice // max(len(used), 1)  # block × groups + group

    # Rows of a block by their number of entries: loops of equal length are foreseen by processors.
    lengths = torch.bincount(key, minlength=parts * blocks * groups)
    position = torch.arange(len(lengths))
    own = position % groups // groups_of_part == position // groups // blocks
    middle = (position // groups % blocks > 0) & (position // groups % blocks < blocks - 1)
    chosen = position[own & ~(middle & (lengths == 0))]
    chosen = chosen[torch.argsort(lengths[chosen], stable=True)]
    chosen = chosen[torch.argsort(chosen // groups, stable=True)]
    rank = torch.empty_like(position).scatter_(0, chosen, torch.arange(len(chosen)))
    order = torch.argsort(rank[key], stable=True)
    first = torch.zeros(len(chosen) + 1, dtype=torch.int64)
    first[1:] = lengths[chosen].cumsum(0)
    channel = torch.cat([chosen % groups * together, torch.tensor([channels])])
    row_of_block = torch.searchsorted(chosen // groups, torch.arange(parts * blocks + 1))
    return Packing(
        together,
        parts,
        blocks,
        slices.contiguous(),
        torch.stack([channel, first], 1).contiguous(),
        row_of_block,
        weights[order].contiguous(),
        slice_of_entry[order],
        row_of_entry[order],
    )
