"""How far what another runtime computes is from what torch does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from mmlth.engine.exporting.part import Outputs

TOLERANCE = 1e-3
"""How far outputs may be apart, as a share of their largest number; rounding makes 1e-7 to 1e-4."""


@dataclass(frozen=True)
class Difference:
    """How far the outputs of another runtime are from those of torch, at most.

    Attributes:
        absolute: The largest difference.
        relative: The largest difference as a share of the largest number of its output.
    """

    absolute: float
    relative: float

    @property
    def tolerable(self) -> bool:
        """Whether it may come from rounding."""
        return self.relative <= TOLERANCE


def compare(results: Sequence[NDArray[Any] | Tensor], expected: Outputs) -> Difference:
    """Compares the outputs of a runtime with those of torch.

    Args:
        results: The outputs of the runtime, in the order of the others.
        expected: The outputs of torch for the same images, by name.
    """
    differences = [
        _difference(tensor, torch.as_tensor(result))
        for tensor, result in zip(expected.values(), results, strict=True)
    ]
    return Difference(max(d.absolute for d in differences), max(d.relative for d in differences))


def _difference(expected: Tensor, actual: Tensor) -> Difference:
    if expected.shape != actual.shape:
        return Difference(math.inf, math.inf)
    if not expected.numel():
        return Difference(0.0, 0.0)
    expected, actual = expected.double(), actual.double()
    apart = (expected - actual).abs().masked_fill(expected == actual, 0).nan_to_num(math.inf)
    scale = expected.abs().nan_to_num(0, 0, 0).max().clamp(min=1e-12)
    return Difference(float(apart.max()), float(apart.max() / scale))
