"""Activations that the kernel applies to its sums."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

NONE, CLAMP, LEAKY, SILU, HARD_SWISH = range(5)
"""The numbers that ``kernel.cpp`` gives them."""


@dataclass(frozen=True)
class Activation:
    """An activation.

    Attributes:
        kind: Which.
        low: The lower bound of `CLAMP`, the slope below zero of `LEAKY`.
        high: The upper bound of `CLAMP`.
    """

    kind: int = NONE
    low: float = 0.0
    high: float = 0.0

    def __call__(self, x: Tensor) -> Tensor:
        """The same by torch, in place."""
        if self.kind == CLAMP:
            return x.clamp_(self.low, self.high) if self.high < math.inf else x.clamp_(self.low)
        if self.kind == LEAKY:
            return nn.functional.leaky_relu_(x, self.low)
        if self.kind == SILU:
            return nn.functional.silu(x, inplace=True)
        return nn.functional.hardswish(x, inplace=True) if self.kind == HARD_SWISH else x


IDENTITY = Activation()
RELU = Activation(CLAMP, 0.0, math.inf)


def activation_of(module: nn.Module) -> Activation | None:
    """The activation that a module is; None if the kernel does not know it.

    Args:
        module: Any; a class of one's own counts if it computes what torch's does.
    """
    if type(module) in (nn.ReLU6, nn.Hardtanh):
        bounds: Any = module
        return Activation(CLAMP, bounds.min_val, bounds.max_val)
    if type(module) is nn.ReLU:
        return RELU
    if type(module) is nn.LeakyReLU:
        return Activation(LEAKY, module.negative_slope)
    if type(module) is nn.Hardswish:
        return Activation(HARD_SWISH)
    # MMCV and MMEngine have a Swish and a SiLU of their own, as had torch before it had one.
    if type(module).__name__ in ('SiLU', 'Swish'):
        x = torch.linspace(-4, 4, 9)
        if torch.allclose(module(x.clone()), nn.functional.silu(x), atol=1e-6):
            return Activation(SILU)
    return None
