"""A network with zeros, faster on a CPU: sparse kernels, compiled at their first use."""

from mmlth.runtime.acceleration import Acceleration, Layer, accelerate
from mmlth.runtime.errors import AccelerationError, NoCompilerError
from mmlth.runtime.layers import SparseConv2d, SparseLinear

__all__ = [
    'Acceleration',
    'AccelerationError',
    'Layer',
    'NoCompilerError',
    'SparseConv2d',
    'SparseLinear',
    'accelerate',
]
