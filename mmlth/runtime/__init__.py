"""A network with zeros, faster on a CPU: sparse kernels, compiled at their first use."""

from mmlth.runtime.acceleration import Acceleration, Layer
from mmlth.runtime.errors import AccelerationError, NoCompilerError
from mmlth.runtime.layers import SparseConv2d, SparseLinear
from mmlth.runtime.network import Example, accelerate

__all__ = [
    'Acceleration',
    'AccelerationError',
    'Example',
    'Layer',
    'NoCompilerError',
    'SparseConv2d',
    'SparseLinear',
    'accelerate',
]
