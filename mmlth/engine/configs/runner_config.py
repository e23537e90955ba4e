"""The config that a Runner was built from, out of which the Runner of each round is built anew.

``Runner.from_cfg`` takes everything from a config. ``Runner(model=…, cfg=cfg)`` takes it from its
arguments, whatever ``cfg`` says; so there `built_from` writes the arguments into the config.
"""

import copy
import inspect
import sys
from collections.abc import Mapping
from numbers import Number
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType
from typing import Any

from mmengine.config import Config
from mmengine.config.lazy import LazyAttr, LazyObject
from mmengine.runner import Runner

_PLAIN = (str, bytes, Number, type(None), LazyObject, LazyAttr)
_BUILT_BY = ('__init__', 'from_cfg')
_IMPORTED = (type, FunctionType, BuiltinFunctionType)


class _NotAConfigError(TypeError):
    """An object where a config could be; the message is the name of its type."""


def built_from(
    runner: Runner, arguments: Mapping[str, Any], plain: Mapping[str, Any]
) -> tuple[Config, str | None]:
    """The config of a Runner that is about to be built.

    Args:
        runner: Not initialised yet; only its class matters.
        arguments: What ``Runner.__init__`` was given, ``cfg`` among it.
        plain: The arguments by default.

    Returns:
        A copy of ``cfg`` with the arguments in it, and why no round can be built from it; None
        where they can.
    """
    cfg = arguments['cfg']
    config = copy.deepcopy(cfg) if isinstance(cfg, Config) else Config(copy.copy(cfg))
    if _in_from_cfg(runner):
        return config, None
    kind = type(runner)
    if any(_mmengines_own(kind, name) is not _mmengines_own(Runner, name) for name in _BUILT_BY):
        return config, (
            'it has an __init__ or a from_cfg of its own, whose arguments are unknown; build it '
            f'by {kind.__name__}.from_cfg(cfg)'
        )
    for name, default in plain.items():
        try:
            value = _as_config(arguments.get(name, default))
        except _NotAConfigError as error:
            return config, (
                f'its {name} is or holds an object of type {error.args[0]} rather than a config; '
                'give configs, as in a config file'
            )
        if value != config.get(name, default):
            config[name] = value
    return config, None


def defaults(function: Any) -> dict[str, Any]:
    """The parameters of ``Runner.__init__`` that a config has as keys, by default None."""
    parameters = inspect.signature(function).parameters.values()
    return {
        each.name: None if each.default is each.empty else each.default
        for each in parameters
        if each.name not in ('self', 'cfg')
    }


def _in_from_cfg(runner: Runner) -> bool:
    """Whether the class's ``from_cfg`` is running, be it MMEngine's or the user's own.

    A class method of the user's leaves no other trace than its frame.
    """
    code = getattr(_function(type(runner)), '__code__', None)
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        if frame.f_code is code:
            return True
    return False


def _function(kind: type[Runner]) -> Any:
    method = kind.from_cfg
    return getattr(method, '__func__', method)


def _mmengines_own(kind: type[Runner], name: str) -> Any:
    """The method of a class without what mmlth has put around it."""
    method = inspect.getattr_static(kind, name)
    method = getattr(method, '__func__', method)
    return method.__wrapped__ if hasattr(method, 'searches') else method


def _as_config(value: Any) -> Any:
    """A copy of a value that a config can hold; classes as in configs of the newer style.

    Raises:
        _NotAConfigError: If it is an object, or holds one.
    """
    if isinstance(value, dict):
        return {key: _as_config(item) for key, item in dict.items(value)}  # builds nothing lazy
    if isinstance(value, (list, tuple)):
        return type(value)(_as_config(item) for item in value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, _IMPORTED) and value.__qualname__.isidentifier():
        return LazyObject(value.__module__, value.__name__)
    raise _NotAConfigError(type(value).__name__)
