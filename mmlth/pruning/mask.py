"""The mask of a ticket: which weights are kept."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from mmlth.pruning.identity import identity


class Mask(Mapping[str, Tensor]):
    """An immutable mapping from parameter name to a bool tensor: true where the weight is kept.

    Args:
        tensors: For each prunable parameter a tensor of its shape, dtype ``torch.bool``.

    Raises:
        ValueError: If a name is not a string or a tensor is not a bool tensor.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        for name, tensor in tensors.items():
            if not isinstance(name, str) or not name:
                raise ValueError(f'a mask is keyed by parameter names, got {name!r}')
            if not isinstance(tensor, Tensor) or tensor.dtype != torch.bool:
                kind = getattr(tensor, 'dtype', type(tensor).__name__)
                raise ValueError(f'the mask of {name!r} must be a torch.bool tensor, got {kind}')
        self._tensors = dict(tensors)

    @classmethod
    def dense(cls, weights: Mapping[str, Tensor]) -> 'Mask':
        """The mask that keeps every weight of ``weights`` (name to tensor of any dtype)."""
        return cls({name: torch.ones(w.shape, dtype=torch.bool) for name, w in weights.items()})

    @functools.cached_property
    def kept(self) -> int:
        """Number of weights kept."""
        return sum(int(tensor.count_nonzero()) for tensor in self._tensors.values())

    @property
    def total(self) -> int:
        """Number of prunable weights, kept or not."""
        return sum(tensor.numel() for tensor in self._tensors.values())

    @property
    def density(self) -> float:
        """Share of the prunable weights that is kept, in [0, 1]."""
        return self.kept / self.total if self.total else 1.0

    @property
    def sparsity(self) -> float:
        """Share of the prunable weights that is removed, in [0, 1]."""
        return (self.total - self.kept) / self.total if self.total else 0.0

    def network_sparsity(self, parameters: int) -> float:
        """Share of all parameters of a model that is removed, in [0, 1].

        Args:
            parameters: Number of parameters of the model, prunable or not.
        """
        return (self.total - self.kept) / parameters

    def issubset(self, other: 'Mask') -> bool:
        """Whether every weight kept here is kept in ``other`` too (the masks *nest*)."""
        return self.keys() == other.keys() and all(
            tensor.shape == other[name].shape and not bool((tensor & ~other[name]).any())
            for name, tensor in self.items()
        )

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        return self.keys() == other.keys() and all(
            torch.equal(tensor, other[name]) for name, tensor in self.items()
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f'Mask({len(self)} parameters, {self.kept} of {self.total} weights kept, '
            f'sparsity {self.sparsity:.2%})'
        )


def masked(state: Mapping[str, Tensor], mask: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict like ``state`` whose pruned weights are +0; the other tensors are shared.

    Names of one tensor, as tied parameters have them, are names of one tensor again, unless
    they have different masks.

    Args:
        state: Tensors by name, of any dtype.
        mask: Bool tensors by name; names that ``state`` lacks are ignored.
    """
    once: dict[Any, Tensor] = {}
    result: dict[str, Tensor] = {}
    for name in sorted(state, key=lambda name: name not in mask):  # those with a mask first
        tensor = state[name]
        if name in mask:
            own = _zeroed(tensor, mask[name])
            first = once.setdefault(identity(tensor), own)
            result[name] = first if first is own or torch.equal(first, own) else own
        else:
            result[name] = once.get(identity(tensor), tensor)
    return {name: result[name] for name in state}


def _zeroed(tensor: Tensor, kept: Tensor) -> Tensor:
    if tensor.element_size() > 1 or not tensor.is_floating_point():
        return tensor.masked_fill(~kept.to(tensor.device), 0)
    # torch cannot fill its types of 8 bits.
    return tensor.view(torch.uint8).masked_fill(~kept.to(tensor.device), 0).view(tensor.dtype)
