"""Upsampling to the nearest number in vectors, which PyTorch has for channels last only."""

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit._trace import is_tracing
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from mmlth.runtime.compiler import kernel


def enlarged(input: Any, *args: Any, **options: Any) -> Tensor | None:  # noqa: A002
    """What `torch.nn.functional.interpolate` gives, where it repeats numbers 1, 2, 4 … times.

    Args:
        input: As of that, like all else.
        *args: As of that.
        **options: As of that.

    Returns:
        float32 [N, C, height, width]; None for anything but the repetition of float32 on the CPU.
    """
    factors = enlargement(input, *args, **options)
    watched = is_tracing() or torch.compiler.is_compiling()
    if factors is None or watched or (torch.is_grad_enabled() and input.requires_grad):
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


def enlargement(
    input: Any,  # noqa: A002
    size: Any = None,
    scale_factor: Any = None,
    mode: str = 'nearest',
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: bool = False,
) -> tuple[int, int] | None:
    """How often a call of `torch.nn.functional.interpolate` repeats rows and columns.

    Args:
        input: As of that, like all else.
        size: As of that.
        scale_factor: As of that.
        mode: As of that.
        align_corners: As of that.
        recompute_scale_factor: As of that.
        antialias: As of that.

    Returns:
        Powers of two, of which PyTorch's rounding of positions changes nothing; None for other
        calls, and for tensors that are no contiguous float32 on the CPU.
    """
    if mode != 'nearest' or align_corners is not None or recompute_scale_factor or antialias:
        return None
    if type(input) not in (Tensor, nn.Parameter) or input.dim() != 4 or 0 in input.shape:
        return None
    if input.dtype != torch.float32 or input.device.type != 'cpu' or input.is_neg():
        return None
    if not input.is_contiguous() or (size is None) == (scale_factor is None):
        return None
    if size is None:
        factors = _pair(scale_factor)
    else:
        factors = [n / m for n, m in zip(_pair(size), input.shape[2:])]
    whole = [int(factor) for factor in factors if 1 <= factor < 1 << 20]
    if len(whole) != 2 or any(n != f or n & (n - 1) for n, f in zip(whole, factors)):
        return None
    return whole[0], whole[1]


def _pair(value: Any) -> list[Any]:
    """Two numbers, of which a single one may stand for both; nothing of anything else."""
    values = list(value) if isinstance(value, (tuple, list)) else [value, value]
    return values if len(values) == 2 and all(type(n) in (int, float) for n in values) else []


class Upsample(nn.Upsample):
    """Upsampling by `enlarged` where that can do it, else by PyTorch."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Upsamples.

        Args:
            input: [N, C, height, width].
        """
        options = self.align_corners, self.recompute_scale_factor
        result = enlarged(input, self.size, self.scale_factor, self.mode, *options)
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
            own = inspect.getattr_static(type(self.module), 'forward')  # which may be static
            return own.__get__(self.module, type(self.module))(*args, **kwargs)


class _Enlarging(TorchFunctionMode):
    """Takes over calls of `torch.nn.functional.interpolate`."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        options = kwargs or {}
        result = enlarged(*args, **options) if func is functional.interpolate else None
        return func(*args, **options) if result is None else result
