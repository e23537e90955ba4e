"""The parts that settings consist of, and the classes that they name."""

from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any


def all_parts(settings: Any) -> Iterator[Any]:
    """Every mapping in nested settings: a whole before its parts, in the order of the settings.

    Args:
        settings: Mappings and lists, nested; anything else has no parts.
    """
    if isinstance(settings, Mapping):
        yield settings
        settings = list(settings.values())
    if isinstance(settings, (list, tuple)):
        for item in settings:
            yield from all_parts(item)


def values_of(settings: Any, key: str) -> Iterator[Any]:
    """Whatever stands under a key anywhere in nested settings.

    Args:
        settings: Settings, nested, as for `all_parts`.
        key: The key.
    """
    return (part[key] for part in all_parts(settings) if key in part)


def type_name(settings: Any) -> str:
    """The name of the class that settings are of, without its package.

    Args:
        settings: A mapping with ``type``, or the type itself: a name such as ``'mmdet.Resize'``
            or, as in configs of the newer style, a class.
    """
    kind = settings.get('type') if isinstance(settings, Mapping) else settings
    return str(getattr(kind, '__name__', kind)).rpartition('.')[2]


def dotted_name(value: type | FunctionType) -> str:
    """The name by which MMEngine finds a class or a function: its module, and where it is there."""
    return f'{value.__module__}.{value.__qualname__}'
