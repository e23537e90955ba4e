"""Max pooling in vectors, which PyTorch's has for channels in the last dimension only."""

import ctypes

import torch
from torch import Tensor, nn
from torch.jit._trace import is_tracing

from mmlth.runtime.compiler import kernel

_NUMBERS = (
    'height',
    'width',
    'out_height',
    'out_width',
    'reach_y',
    'reach_x',
    'stride_y',
    'stride_x',
    'pad_y',
    'pad_x',
)


class _Pool(ctypes.Structure):
    """``Pool`` of ``kernel.cpp``."""

    _fields_ = [(name, ctypes.c_int64) for name in _NUMBERS]


class MaxPool2d(nn.MaxPool2d):
    """Max pooling of float32 on the CPU; of others by PyTorch."""

    def forward(self, x: Tensor) -> Tensor:
        """Pools.

        Args:
            x: [N, C, height, width].
        """
        reach, stride, pad = map(_pair, (self.kernel_size, self.stride, self.padding))
        size = [(n + 2 * p - r) // s + 1 for n, p, r, s in zip(x.shape[2:], pad, reach, stride)]
        fits = x.dim() == 4 and x.dtype == torch.float32 and x.device.type == 'cpu'
        watched = is_tracing() or torch.compiler.is_compiling()
        watched = watched or (torch.is_grad_enabled() and x.requires_grad)
        if not fits or min(size, default=0) < 1 or 0 in x.shape or watched:
            return super().forward(x)
        x = x.contiguous()
        out = x.new_empty(*x.shape[:2], *size)
        pool = _Pool(*x.shape[2:], *size, *reach, *stride, *pad)
        status = kernel().max_pool(
            ctypes.byref(pool),
            x.data_ptr(),
            out.data_ptr(),
            len(x) * x.shape[1],
            torch.get_num_threads(),
        )
        if status:
            raise MemoryError('there is no memory for max pooling')
        return out


def pooling(module: nn.Module) -> MaxPool2d | None:
    """The same pooling in vectors; None if there is no such.

    Args:
        module: Any module.
    """
    if type(module) is not nn.MaxPool2d or module.return_indices or module.ceil_mode:
        return None
    if _pair(module.dilation) != (1, 1):
        return None
    new = MaxPool2d(module.kernel_size, module.stride, module.padding)
    return new.train(module.training)


def _pair(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)
