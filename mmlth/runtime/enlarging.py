"""Upsampling to the nearest number in vectors, which PyTorch has for channels last only."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.jit._trace import is_tracing
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from mmlth.runtime.compiler import kernel


def enlarged(
    input: Any,  # noqa: A002
    size: Any = None,
    scale_factor: Any = None,
    mode: str = 'nearest',
    *others: Any,
    **options: Any,
) -> Tensor | None:
    """What `torch.nn.functional.interpolate` gives, where it repeats numbers 1, 2, 4 … times.

    Args:
        input: As of that, like all else.
        size: As of that.
        scale_factor: As of that.
        mode: As of that.
        *others: As of that.
        **options: As of that.

    Returns:
        float32 [N, C, height, width]; None for anything but the repetition of float32 on the CPU.
    """
    if mode != 'nearest' or any(others) or any(options.values()) or not isinstance(input, Tensor):
        return None
    fits = input.dim() == 4 and input.dtype == torch.float32 and input.device.type == 'cpu'
    watched = is_tracing() or torch.compiler.is_compiling()
    watched = watched or (torch.is_grad_enabled() and input.requires_grad)
    if not fits or 0 in input.shape or watched or not input.is_contiguous():
        return None
    factors = _factors(tuple(input.shape[2:]), size, scale_factor)
    if factors is None:
        return None
    planes, (height, width) = input.shape[:2], input.shape[2:]
    out = input.new_empty(*planes, height * factors[0], width * factors[1])
    kernel().enlarge(
        input.data_ptr(),
        out.data_ptr(),
        planes.numel(),
        height,
        width,
        *factors,
        torch.get_num_threads(),
    )
    return out


def _factors(before: tuple[int, ...], size: Any, scale_factor: Any) -> tuple[int, int] | None:
    """How often rows and columns are repeated; None if not by powers of two.

    Of those PyTorch's rounding of positions changes nothing.
    """
    if size is not None:
        after = _pair(size)
        factors = tuple(n / m for n, m in zip(after, before))
    elif scale_factor is not None:
        factors = _pair(scale_factor)
    else:
        return None
    whole = [int(factor) for factor in factors]
    if len(whole) != 2 or any(n != f or n < 1 or n & (n - 1) for n, f in zip(whole, factors)):
        return None
    return whole[0], whole[1]


def _pair(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


class Upsample(nn.Upsample):
    """Upsampling by `enlarged` where that can do it, else by PyTorch."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Upsamples.

        Args:
            input: [N, C, height, width].
        """
        if self.align_corners or self.recompute_scale_factor:
            return super().forward(input)
        result = enlarged(input, self.size, self.scale_factor, self.mode)
        return super().forward(input) if result is None else result


def upsampling(module: nn.Module) -> Upsample | None:
    """The same upsampling in vectors; None if there is no such.

    Args:
        module: Any module.
    """
    if type(module) is not nn.Upsample or module.mode != 'nearest':
        return None
    new = Upsample(module.size, module.scale_factor, module.mode)
    new.recompute_scale_factor = module.recompute_scale_factor
    return new.train(module.training)


class EnlargingForward:
    """The ``forward`` of a module whose own code upsamples; copies and pickles keep it.

    Args:
        module: The module.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the module's own ``forward``, whatever it takes and returns."""
        with _Enlarging():
            return type(self.module).forward(self.module, *args, **kwargs)


class _Enlarging(TorchFunctionMode):
    """Takes over calls of `torch.nn.functional.interpolate`."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        options = kwargs or {}
        result = enlarged(*args, **options) if func is functional.interpolate else None
        return func(*args, **options) if result is None else result
