"""What a checkpoint may hold beside tensors and plain containers, rebuilt from checked parts.

A pickle names functions of NumPy and what to call them with. NumPy trusts it: a made-up state of a
dtype crashes Python. So the names stand for functions and classes of this file, which check what
they are given and build arrays of numbers, nothing else.
"""

import pickle
import types
from typing import Any

import numpy as np
from mmengine.logging import HistoryBuffer

_NUMBERS = '?' + np.typecodes['AllInteger'] + np.typecodes['Float']
_CODES = {np.dtype(code).str[1:] for code in _NUMBERS}


class _Dtype:
    """Stands in for ``numpy.dtype``: a type of numbers, and their order of bytes."""

    def __init__(self, code: Any, align: Any = False, copy: Any = True) -> None:
        if not isinstance(code, str) or code not in _CODES:
            raise pickle.UnpicklingError(f'GLOBAL numpy.dtype({code!r:.40}) is not allowed')
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        if state[1] not in ('<', '>', '|', '=') or state[2:7] != (None, None, None, -1, -1):
            raise pickle.UnpicklingError(f'GLOBAL numpy.dtype with {state!r:.80} is not allowed')
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array(np.ndarray[Any, Any]):
    """Stands in for ``numpy.ndarray``: numbers in as many bytes as its shape says."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        if not isinstance(dtype, _Dtype) or not isinstance(raw, (bytes, str)):
            raise pickle.UnpicklingError('GLOBAL numpy.ndarray of no numbers is not allowed')
        raw = raw.encode('latin1') if isinstance(raw, str) else raw
        numbers = np.frombuffer(raw, dtype.dtype).reshape(shape, order='F' if fortran else 'C')
        # NumPy 1 and 2 declare the elements of the state differently.
        state = (1, numbers.shape, numbers.dtype, False, numbers.tobytes())
        super().__setstate__(state)  # type: ignore[arg-type,unused-ignore]


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    """Stands in for ``numpy.core.multiarray._reconstruct``, which makes an empty array."""
    if kind is not _Array:
        raise pickle.UnpicklingError(f'GLOBAL _reconstruct({kind!r:.40}) is not allowed')
    return _Array((0,), np.int8)


def _scalar(dtype: Any, raw: Any) -> Any:
    """Stands in for ``numpy.core.multiarray.scalar``: one number."""
    if not isinstance(dtype, _Dtype):
        raise pickle.UnpicklingError('GLOBAL numpy scalar of other than a number is not allowed')
    raw = raw.encode('latin1') if isinstance(raw, str) else raw
    (number,) = np.frombuffer(raw, dtype.dtype)
    return number


def _no_bytes() -> bytes:
    """Stands in for ``bytes``, by which an empty array says that it has none."""
    return b''


def _history_statistic(owner: Any, name: Any) -> Any:
    """Stands in for ``getattr``, by which a pickled `HistoryBuffer` names its own statistics."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'mean', 'current'):
        raise pickle.UnpicklingError(f'GLOBAL getattr({owner!r:.40}, {name!r:.40}) is not allowed')
    return getattr(HistoryBuffer, name)


def _named(stand_in: Any, module: str, name: str) -> Any:
    """A stand-in under the name by which torch looks up what a file may call."""
    if isinstance(stand_in, types.FunctionType):  # one function may have several names
        stand_in = types.FunctionType(stand_in.__code__, stand_in.__globals__)
    stand_in.__module__, stand_in.__name__, stand_in.__qualname__ = module, name, name
    return stand_in


SAFE_TYPES = [
    HistoryBuffer,
    _named(_history_statistic, 'builtins', 'getattr'),
    _named(_no_bytes, 'builtins', 'bytes'),
    _named(_Dtype, 'numpy', 'dtype'),
    _named(_Array, 'numpy', 'ndarray'),
    *(
        _named(function, f'numpy.{core}.multiarray', name)
        for core in ('core', '_core')  # of NumPy 1 and 2
        for function, name in ((_reconstruct, '_reconstruct'), (_scalar, 'scalar'))
    ),
]
"""What ``torch.serialization.add_safe_globals`` takes."""


def to_builtin(value: Any) -> Any:
    """Nested containers with ordinary arrays in the place of stand-ins."""
    if isinstance(value, _Array):
        return value.view(np.ndarray)
    if isinstance(value, HistoryBuffer):
        value.__dict__.update({key: to_builtin(item) for key, item in vars(value).items()})
    elif isinstance(value, dict):
        for key, item in value.items():
            value[key] = to_builtin(item)
    elif isinstance(value, (list, tuple)):
        return type(value)([to_builtin(item) for item in value])
    return value
