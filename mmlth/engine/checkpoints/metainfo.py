"""What data sets say of themselves, in values that every file of mmlth can hold.

MMEngine pickles METAINFO, so that anything may stand in it: arrays of text, dates, sets, classes.
"""

import datetime
import os
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmlth.ticket import DTYPES

_METRICS = ('val/', 'test/')
"""How MMEngine's message hub begins the names of metrics."""


def plain_metainfo(metainfo: Any) -> Any:
    """Metainfo in plain values, as tickets, rewind files and checkpoints of rounds hold it.

    Numbers, texts, arrays of numbers and tensors stay as they are; of a class of their own, as in
    enumerations, they become plain ones. Arrays of text become lists, dates their ISO form, sets
    sorted lists, and views of dicts lists.

    Args:
        metainfo: The metainfo of a data set: a dict, or a list of them where data sets are joined.

    Returns:
        The same without what cannot be held, or what names a place on this machine; see
        `left_out`. None if it is neither a dict nor a list of them.
    """
    return _plain_parts(metainfo, [])


def left_out(metainfo: Any) -> list[str]:
    """What `plain_metainfo` leaves out, by keys and type, as in ``'labels.0 (Label)'``.

    Args:
        metainfo: The metainfo of a data set.
    """
    names: list[str] = []
    _plain_parts(metainfo, names)
    return names


def _plain_parts(metainfo: Any, left_out: list[str]) -> Any:
    if isinstance(metainfo, (list, tuple)):
        return [_plain_parts(part, left_out) for part in metainfo if isinstance(part, Mapping)]
    if not isinstance(metainfo, Mapping):
        return None if metainfo is None else _leave_out(metainfo, 'metainfo', left_out)
    named = {key: value for key, value in metainfo.items() if isinstance(key, str)}
    for key in metainfo.keys() - named.keys():
        _leave_out(key, f'{key!r} as a name', left_out)
    return _plain(named, '', left_out)


def plain_hub(message_hub: Mapping[str, Any]) -> dict[str, Any]:
    """The state of a message hub in which metainfo and metrics are plain; others stay as they are.

    MMEngine keeps there whatever an evaluator returns beside numbers. What cannot be held is left
    out.

    Args:
        message_hub: What ``MessageHub.state_dict()`` gives.
    """
    runtime: dict[str, Any] = {}
    for key, value in message_hub['runtime_info'].items():
        if key == 'dataset_meta':
            runtime[key] = plain_metainfo(value)
        elif key.startswith(_METRICS):
            runtime |= _plain({key: value}, '', [])
        else:
            runtime[key] = value
    known = runtime.keys() | message_hub['log_scalars'].keys()
    resumed = {key: each for key, each in message_hub['resumed_keys'].items() if key in known}
    return {**message_hub, 'runtime_info': runtime, 'resumed_keys': resumed}


class _Nothing:
    """What stands for a value that is left out."""


def _plain(value: Any, name: str, left_out: list[str]) -> Any:
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind not in 'biufc':
        value = (value.astype(str) if value.dtype.kind == 'M' else value).tolist()
    if isinstance(value, str) and _is_text(value) and not _is_place(value):
        return str.__str__(value)
    if value is None or isinstance(value, (bool, np.ndarray, np.generic)):
        return value
    if isinstance(value, Tensor) and _can_be_held(value):
        return value.detach()
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        pairs = {
            _plain(key, '', []): _plain(item, f'{name}.{key}'.lstrip('.'), left_out)
            for key, item in value.items()
            if _is_key(key, name, left_out)
        }
        return {key: item for key, item in pairs.items() if item is not _Nothing}
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=lambda item: (str(type(item)), str(item)))
    if isinstance(value, Collection) and not isinstance(value, (str, bytes, bytearray, Tensor)):
        items = [_plain(item, f'{name}.{i}'.lstrip('.'), left_out) for i, item in enumerate(value)]
        kept = [item for item in items if item is not _Nothing]
        return tuple(kept) if isinstance(value, tuple) else kept
    _leave_out(value, name, left_out)
    return _Nothing


def _leave_out(value: Any, name: str, left_out: list[str]) -> None:
    left_out.append(f'{name} ({type(value).__name__})')


def _is_key(key: Any, name: str, left_out: list[str]) -> bool:
    plain = key is None or isinstance(key, (int, float, np.integer)) or _is_text(key)
    if not plain:
        _leave_out(key, f'the key {key!r} of {name}', left_out)
    return plain


def _is_text(value: Any) -> bool:
    """Whether files can hold it: names of files that are no UTF-8 are texts in Python as well."""
    return isinstance(value, str) and not any('\ud800' <= letter <= '\udfff' for letter in value)


def _is_place(text: str) -> bool:
    """Whether a text is a path that only one machine has."""
    return os.path.isabs(text) or text.startswith(('~/', 'file://'))


def _can_be_held(tensor: Tensor) -> bool:
    strided = tensor.layout == torch.strided and not tensor.is_meta
    return strided and tensor.dtype in DTYPES.values()
