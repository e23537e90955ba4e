"""Masks that a checkpoint holds in an entry of its own, beside the weights."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmlth.messages import join_names
from mmlth.ticket.errors import TicketError, TicketMismatchError

_DEPTH = 4
_OWN = 'mmlth'  # what a search keeps in its checkpoints is no mask of their weights
_OTHERS = (_OWN, 'optimizer')
_WRAPPER = 'module.'
_CALLED_MASK = re.compile(r'(.*_)?masks?(_dict)?', re.IGNORECASE)


def nested_masks(
    content: Mapping[Any, Any], weights: Mapping[str, Tensor], prefix: str, path: Path
) -> tuple[str, dict[str, Tensor]] | None:
    """Returns the masks that a file holds beside its weights, by the names of the weights.

    They are an entry, at any depth, that holds tensors by name and whose own or an outer name is
    ``mask``, ``masks`` or ends so (``weight_masks``, unlike ``mask_head``), or whose tensors are
    all bool. A mask may be called as its weight is, with or without the prefix of wrappers and
    ``_mask`` at its end, or as the module of the weight is.

    Args:
        content: The file without its weights.
        weights: The weights by name.
        prefix: The text that the names of the weights began with in the file.
        path: The path of the file, for messages.

    Returns:
        Where they are, such as ``'pruner.masks'``, and the masks; None if there are none.

    Raises:
        TicketError: If several entries fit, or one is called masks but does not fit.
    """
    fitting: dict[str, dict[str, Tensor]] = {}
    misfits: dict[str, str] = {}
    for place, named in _tables(content):
        called = {name: _weight_of(name, weights, prefix) for name in named}
        wrong = [name for name, weight in called.items() if not _fits(named[name], weight, weights)]
        if not wrong and len(set(called.values())) == len(called):
            fitting[place] = {weight: named[name] for name, weight in called.items()}
        elif _is_called_mask(place):
            misfits[place] = join_names(map(repr, wrong or named))
    if len(fitting) > 1:
        raise TicketError(
            f'{path} has masks in several entries: {join_names(map(repr, fitting))}; save it '
            'with those alone that are meant'
        )
    if fitting:
        return next(iter(fitting.items()))
    if misfits:
        place, names = next(iter(misfits.items()))
        raise TicketMismatchError(
            f'{path}: its entry {place!r} holds what is no mask of a weight: {names}; expected '
            'zeros and ones by the names and in the shapes of the weights; save them without it'
        )
    for key, value in content.items():
        if _is_called_mask(str(key)) and _holds_tensors(value):
            raise TicketError(
                f'{path}: its entry {key!r} holds tensors without names; expected masks by the '
                'names of the weights, so save them so, or the weights without it'
            )
    return None


def weights_of_masks(content: Mapping[Any, Any]) -> tuple[Any, Mapping[str, Tensor]] | None:
    """Returns the one outer entry that masks elsewhere in the file fit, and its name.

    For files that call their weights something else than ``state_dict``.
    """
    entries = {k: t for k, t in content.items() if not _is_called_mask(str(k)) and _is_table(t)}
    tables = [named for place, named in _tables(content) if _is_called_mask(place)]
    fitting = []
    for key, table in entries.items():
        weights = {name.removeprefix(_WRAPPER): weight for name, weight in table.items()}
        called = [{n: _weight_of(n, weights, '') for n in named} for named in tables]
        if any(all(weight in weights for weight in names.values()) for names in called):
            fitting.append((key, table))
    return fitting[0] if len(fitting) == 1 else None


def without_masks(content: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Returns the file itself, or what it holds beside entries of masks, where it has some."""
    masks = [k for k, v in content.items() if _is_called_mask(str(k)) and isinstance(v, Mapping)]
    return {k: v for k, v in content.items() if k not in masks} if masks else content


def _tables(content: Any, place: str = '', depth: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    """Entries of masks: where they are, and tensors by name, those of inner mappings by path."""
    if not isinstance(content, Mapping) or depth > _DEPTH or place.startswith(_OWN):
        return
    named = _flat(content)
    if place and named and (_is_called_mask(place) or _all_bool(named)):
        yield place, named
    if _is_table(content):
        return
    for key, value in content.items():
        yield from _tables(value, f'{place}.{key}' if place else str(key), depth + 1)


def _flat(content: Mapping[Any, Any], depth: int = 0) -> dict[str, Tensor]:
    """Tensors by path, if there is nothing but those and None in a mapping, else nothing."""
    named: dict[str, Tensor] = {}
    for key, value in content.items():
        tensor = torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        inner: Mapping[str, Tensor] = {}
        if isinstance(tensor, Tensor):
            inner = {'': tensor}
        elif isinstance(value, Mapping) and depth < _DEPTH:
            inner = _flat(value, depth + 1)
        if value is not None and not inner:
            return {}
        named |= {f'{key}.{name}' if name else str(key): mask for name, mask in inner.items()}
    return named


def _fits(mask: Tensor, weight: str, weights: Mapping[str, Tensor]) -> bool:
    """Whether it is zeros and ones in the shape of a weight."""
    if mask.layout != torch.strided or mask.device.type != 'cpu' or weight not in weights:
        return False
    return mask.shape == weights[weight].shape and bool(((mask == 0) | (mask == 1)).all())


def _is_table(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in value.items())
    )


def _all_bool(named: Mapping[str, Tensor]) -> bool:
    return all(tensor.dtype == torch.bool for tensor in named.values())


def _is_called_mask(place: str) -> bool:
    called = any(_CALLED_MASK.fullmatch(part) for part in place.split('.'))
    return called and not place.startswith(_OTHERS)


def _holds_tensors(value: Any, depth: int = 0) -> bool:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)) and depth <= _DEPTH:
        return any(_holds_tensors(item, depth + 1) for item in value)
    return isinstance(value, (Tensor, np.ndarray))


def _weight_of(name: str, weights: Mapping[str, Tensor], prefix: str) -> str:
    """What the weight of a mask is called; the name itself if no weight is called alike."""
    bare = name.removeprefix(prefix).removeprefix(_WRAPPER)
    plain = bare.removesuffix('_mask').removesuffix('.mask')
    return next((n for n in (name, bare, plain, f'{plain}.weight') if n in weights), name)
