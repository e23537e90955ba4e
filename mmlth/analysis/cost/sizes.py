"""How many bytes a ticket takes, and would take in other formats."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from mmlth.analysis.masks import density
from mmlth.pruning import Mask
from mmlth.ticket import DTYPES, read_index

INDEX_BYTES = 4
"""An int32 for the place of each kept weight, as S1 stores it (arXiv 2012.04643)."""


@dataclass(frozen=True)
class Sizes:
    """Bytes of a ticket's weights in formats that store them one after another, uncompressed.

    All hold every parameter and buffer; they differ in how they store the masked ones. Those that
    are not masked are dense in every format, and tied ones are stored once.

    Attributes:
        dense: Every number in its own type, as a checkpoint of a dense model holds them.
        index_value: Each kept weight in its own type beside an int32 that tells its place. S1
            stores so above a sparsity that it does not tell; here all masked tensors are.
        bitmask: A bit a weight, packed tensor by tensor, then the kept weights.
        entropy: The fewest bytes that a mask takes whose bits are drawn independently with one
            density, ⌈n·H(d)/8⌉, then the kept weights.
    """

    dense: int
    index_value: int
    bitmask: int
    entropy: int


@dataclass(frozen=True)
class Stored:
    """The bytes of a ticket file by what they hold.

    Attributes:
        file: All of them.
        mask: The mask.
        weights: Trained weights, pruned ones left out, and all that is not masked.
        initial: The same of the weights that training started from.
        rest: Names, shapes, checksums and what the ticket says of itself, its config included.
        values: The type that masked weights were shortened to; None: nothing was.
    """

    file: int
    mask: int
    weights: int
    initial: int
    rest: int
    values: str | None


def sizes(mask: Mask, weights: Mapping[str, Tensor]) -> Sizes:
    """Sizes in bytes of a ticket in several formats.

    Args:
        mask: The mask.
        weights: The state dict that it belongs to, buffers included.
    """
    tensors = {
        name: _Tensor(weights[name].numel(), weights[name].element_size())
        for name in _once(mask, weights)
    }
    return _sizes(tensors, _counts(mask))


def sizes_in(path: str | Path, kept: Mapping[str, int]) -> Sizes | None:
    """The same of a ticket file, whose weights are not read; None for one without weights.

    Args:
        path: The file.
        kept: The number of weights kept, by masked parameter.

    Raises:
        FileNotFoundError: If there is no such file.
        TicketError: If it is no ticket that can be read.
    """
    index = read_index(path)
    if 'weights' not in index.groups:
        return None
    tensors = {
        entry.name: _Tensor(entry.numel, DTYPES[entry.dtype].itemsize)
        for entry in index.entries
        if entry.coding != 'tied'
    }
    return _sizes(tensors, {name: (count, tensors[name].numel) for name, count in kept.items()})


def bitmask_bytes(mask: Mask) -> int:
    """Bytes of a mask at a bit a weight, each tensor's last byte filled up."""
    return _bitmask(_counts(mask))


def entropy_bytes(mask: Mask) -> int:
    """Bytes of a mask by the entropy of independent bits of its density, rounded up."""
    return _entropy(_counts(mask))


class _Tensor(NamedTuple):
    numel: int
    itemsize: int

    @property
    def nbytes(self) -> int:
        return self.numel * self.itemsize


_Counts = Mapping[str, tuple[int, int]]
"""The number of weights kept and of all weights, by masked parameter."""


def _counts(mask: Mask) -> _Counts:
    return {name: (int(kept.count_nonzero()), kept.numel()) for name, kept in mask.items()}


def _sizes(tensors: Mapping[str, _Tensor], counts: _Counts) -> Sizes:
    kept = {name: counts[name][0] for name in tensors if name in counts}
    others = sum(tensor.nbytes for name, tensor in tensors.items() if name not in counts)
    values = sum(count * tensors[name].itemsize for name, count in kept.items())
    return Sizes(
        dense=sum(tensor.nbytes for tensor in tensors.values()),
        index_value=others + values + INDEX_BYTES * sum(kept.values()),
        bitmask=others + values + _bitmask(counts),
        entropy=others + values + _entropy(counts),
    )


def _bitmask(counts: _Counts) -> int:
    return sum((total + 7) // 8 for _, total in counts.values())


def _entropy(counts: _Counts) -> int:
    total = sum(total for _, total in counts.values())
    kept = sum(kept for kept, _ in counts.values())
    return math.ceil(total * entropy(density(kept, total)) / 8)


def entropy(density: float) -> float:
    """Entropy in bits of one bit that is set with this probability."""
    return -sum(p * math.log2(p) for p in (density, 1 - density) if p > 0)


def stored(path: str | Path) -> Stored:
    """Sums up a ticket file's bytes, from its index alone.

    Raises:
        FileNotFoundError: If there is no such file.
        TicketError: If it is no ticket that can be read.
    """
    index = read_index(path)
    mask = 0
    groups = dict.fromkeys(('weights', 'initial'), 0)
    for chunk in index.chunks:
        lengths = [frame.length for frame in chunk.frames]
        if chunk.coding == 'masked':
            mask += lengths.pop(0)
        for i, group in enumerate(index.groups):  # each has equally many of the frames
            share = len(lengths) // len(index.groups)
            groups[group] += sum(lengths[i * share : (i + 1) * share])
    file = Path(path).stat().st_size
    return Stored(
        file, mask, **groups, rest=file - mask - sum(groups.values()), values=index.values
    )


def _once(mask: Mask, weights: Mapping[str, Tensor]) -> Iterator[str]:
    """Names of the tensors, of tied ones a single name, by which the mask knows them if it does."""
    seen = set()
    for name in sorted(weights, key=lambda name: name not in mask):
        tensor = weights[name]
        place = (tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.shape)
        if place not in seen or not tensor.numel():
            yield name
        seen.add(place)
