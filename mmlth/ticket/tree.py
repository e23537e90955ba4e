"""Nested training state as JSON plus named tensors, so that it can be stored without pickle."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmlth.messages import reason
from mmlth.ticket.planes import DTYPES, as_uint

_MARKS = ('@tensor', '@array', '@number', '@tuple', '@dict')


def flatten(value: Any, prefix: str = '') -> tuple[Any, dict[str, Tensor]]:
    """Splits nested dicts, lists and tuples into JSON and tensors; `unflatten` is the inverse.

    Leaves may be tensors, NumPy arrays and numbers, str, int, float, bool and None. Tensors are
    not copied.

    Args:
        value: The nested state.
        prefix: Start of the tensors' names; each is its path in ``value``.

    Returns:
        The JSON value, and the tensors that it names.

    Raises:
        TypeError: If a leaf is of another type, which the message names, or the state holds itself.
    """
    tensors: dict[str, Tensor] = {}
    try:
        return _flatten(value, prefix, tensors), tensors
    except RecursionError as error:
        raise TypeError(f'cannot store {prefix or "the value"}: it is nested too deep') from error


def unflatten(structure: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Rebuilds what `flatten` split.

    Args:
        structure: Its JSON.
        tensors: Its tensors by name.

    Raises:
        ValueError: If the structure is not one of `flatten`, or names a tensor that is missing.
    """
    if isinstance(structure, list):
        return [unflatten(item, tensors) for item in structure]
    if not isinstance(structure, dict):
        return structure
    mark = next(iter(structure), '')
    if mark not in _MARKS:
        return {key: unflatten(item, tensors) for key, item in structure.items()}
    content = structure[mark]
    try:
        if mark == '@tensor':
            return tensors[content]
        if mark == '@array':
            raw = tensors[content].numpy().tobytes()
            return np.frombuffer(raw, structure['dtype']).reshape(structure['shape']).copy()
        if mark == '@number':
            return np.frombuffer(bytes.fromhex(content), structure['dtype'])[0]
        if mark == '@tuple':
            return tuple(unflatten(item, tensors) for item in content)
        return {unflatten(key, tensors): unflatten(item, tensors) for key, item in content}
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(f'a damaged entry {mark}: {reason(error)}') from error


def to_json(value: Any) -> dict[str, Any]:
    """Writes nested state as JSON alone, for a few small arrays; `from_json` is the inverse.

    Raises:
        TypeError: As `flatten`, or if an array is of numbers that a ticket cannot hold.
    """
    structure, tensors = flatten(value)
    for name, t in tensors.items():
        if t.dtype not in DTYPES.values() or t.layout != torch.strided or t.is_meta:
            raise TypeError(
                f'cannot store {name}: a tensor of {t.dtype}, {t.layout}, on {t.device}'
            )
    arrays = {
        name: [str(t.dtype).removeprefix('torch.'), list(t.shape), as_uint(t).tobytes().hex()]
        for name, t in tensors.items()
    }
    return {'value': structure, 'arrays': arrays}


def from_json(content: Any) -> Any:
    """Rebuilds what `to_json` was given.

    Raises:
        ValueError: If the content is not one of `to_json`.
    """
    try:
        tensors = {}
        for name, (dtype, shape, digits) in content['arrays'].items():
            raw = np.frombuffer(bytearray.fromhex(digits), np.uint8)
            tensors[name] = torch.from_numpy(raw).view(DTYPES[dtype]).reshape(shape)
        structure = content['value']
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise ValueError(f'damaged arrays: {reason(error)}') from error
    return unflatten(structure, tensors)


def _flatten(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if value is None or isinstance(value, (str, bool)) or type(value) in (int, float):
        return value
    if isinstance(value, Tensor):
        return {'@tensor': _add(tensors, path, value)}
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biufc':
        raw = torch.from_numpy(np.frombuffer(bytearray(value.tobytes()), np.uint8))
        name = _add(tensors, path, raw)
        return {'@array': name, 'dtype': value.dtype.str, 'shape': list(value.shape)}
    if isinstance(value, np.generic) and value.dtype.kind in 'biufc':
        return {'@number': value.tobytes().hex(), 'dtype': value.dtype.str}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and key not in _MARKS for key in value):
            return {key: _flatten(item, f'{path}/{key}', tensors) for key, item in value.items()}
        return {
            '@dict': [
                [_flatten(key, f'{path}/key', tensors), _flatten(item, f'{path}/{key}', tensors)]
                for key, item in value.items()
            ]
        }
    if isinstance(value, tuple):
        return {'@tuple': [_flatten(item, f'{path}/{i}', tensors) for i, item in enumerate(value)]}
    if isinstance(value, list):
        return [_flatten(item, f'{path}/{i}', tensors) for i, item in enumerate(value)]
    raise TypeError(f'cannot store {path or "the value"}: a {type(value).__qualname__}')


def _add(tensors: dict[str, Tensor], path: str, tensor: Tensor) -> str:
    """Adds a tensor under a name that no other has; keys may hold slashes, too."""
    name = path
    while name in tensors:
        name += "'"
    tensors[name] = tensor
    return name
