"""Members of the registries that ``lottery`` names: how they are looked up and built."""

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from types import FunctionType, ModuleType
from typing import Any

from mmengine.registry import DefaultScope, Registry

from mmlth.engine.errors import LotteryError
from mmlth.engine.registry import ALLOCATIONS, CONTROLS, METHODS, PATTERNS, SCHEDULES, SCORES
from mmlth.messages import reason
from mmlth.pruning import Allocation, Control, Method, Pattern, Schedule, Score

Spec = str | dict[str, Any]
"""The name of a member, or a dict with the name as ``type`` and options."""


@dataclass(frozen=True)
class MemberKind:
    """A kind of members.

    Attributes:
        key: The key of ``lottery`` that names one.
        registry: Where they are registered.
        protocol: How mmlth calls them. What they take beyond that are options of the config.
        also: What else the key may be, for messages.
    """

    key: str
    registry: Registry
    protocol: type
    also: str = ''

    @property
    def given(self) -> int:
        """The number of arguments that mmlth gives a member."""
        return len(inspect.signature(self.protocol.__call__).parameters) - 1  # less self


SCORE = MemberKind('score', SCORES, Score)
ALLOCATION = MemberKind('allocation', ALLOCATIONS, Allocation)
PATTERN = MemberKind('pattern', PATTERNS, Pattern, also=', N:M such as 2:4')
SCHEDULE = MemberKind('schedule', SCHEDULES, Schedule)
CONTROL = MemberKind('branch.control', CONTROLS, Control)
METHOD = MemberKind('method', METHODS, Method)


def member_names(kind: MemberKind) -> list[str]:
    """The names that are registered, those of downstream registries with their scope."""
    scoped = [
        f'{scope}.{name}'
        for scope, child in kind.registry.children.items()
        for name in child.module_dict
    ]
    return [*sorted(kind.registry.module_dict), *sorted(scoped)]


def named(kind: MemberKind, spec: Any, in_scope: bool = True) -> Spec:
    """The same choice by a name that finds it anywhere, as plain values.

    Args:
        kind: Of what.
        spec: A name; a class or function, as in configs of MMEngine's newer style; or a dict with
            one of these as ``type``, and options.
        in_scope: Whether names are looked up first in MMEngine's default scope, as those that a
            user wrote. Not so what this returns, nor defaults, which are of mmlth.

    Raises:
        LotteryError: If there is no such member.
    """
    if not isinstance(spec, Mapping):
        return _name(kind, spec, in_scope)
    options = _plain({key: value for key, value in spec.items() if key != 'type'})
    return {'type': _name(kind, spec.get('type'), in_scope), **options}


def build(kind: MemberKind, spec: Any) -> Any:
    """A registered function with its options bound, or an instance of a registered class.

    Args:
        kind: Of what.
        spec: As `named` returns it: a name of mmlth, or one with the scope or the module.

    Raises:
        LotteryError: If there is no such member, or the options do not fit.
    """
    choice = named(kind, spec, in_scope=False)
    options = {'type': choice} if isinstance(choice, str) else dict(choice)
    name = options.pop('type')
    member: Any = _find(kind, name)
    _check_options(kind, name, member, options)
    if not inspect.isclass(member):
        if not options:
            return member
        # What a function declares in attributes, it declares with its options bound.
        return functools.update_wrapper(functools.partial(member, **options), member)
    try:
        return member(**options)
    except ValueError as error:
        raise LotteryError(f'lottery.{kind.key}={name!r}: {reason(error)}') from error


def _name(kind: MemberKind, spec: Any, in_scope: bool) -> str:
    """The registered name where there is one, else the name with the scope or the module."""
    if isinstance(spec, str):
        name = (in_scope and _in_default_scope(kind, spec)) or spec
        registered = name.removeprefix(f'{kind.registry.scope}.')
        if registered in kind.registry.module_dict:
            return registered
        member = _find(kind, name)
        if member is None:
            raise LotteryError(_is_none(kind, spec) + _lacking(name))
        return _registered_name(kind.registry, member) or name
    if not isinstance(spec, (type, FunctionType)):
        raise LotteryError(_is_none(kind, spec))
    return _name_of(kind, spec)


def _is_none(kind: MemberKind, spec: Any) -> str:
    names = ', '.join(member_names(kind))
    return f'lottery.{kind.key} must be one of {names}{kind.also}, got {spec!r}'


def _lacking(name: str) -> str:
    """What to add to a message where the name is one in a module, which lacks it."""
    module, _, attribute = name.rpartition('.')
    if module not in sys.modules or hasattr(sys.modules[module], attribute):
        return ''
    return f'; the module {module} has no {attribute!r}'


def _name_of(kind: MemberKind, member: type | FunctionType) -> str:
    """The name of a class or function."""
    name = f'{member.__module__}.{member.__qualname__}'
    if registered_name := _registered_name(kind.registry, member):
        return registered_name
    if '<' in name or _find(kind, name) is not member:
        raise LotteryError(
            f'lottery.{kind.key}={name} cannot be found again by this name when the search is '
            'resumed; define it at the top of a module, or register it'
        )
    return name


def _registered_name(registry: Registry, member: Any) -> str | None:
    return next((name for name, each in registry.module_dict.items() if each is member), None)


def _in_default_scope(kind: MemberKind, name: str) -> str | None:
    """The name with MMEngine's default scope, where a downstream registry of that scope has it."""
    registry, current = kind.registry, DefaultScope.get_current_instance()
    if '.' in name or current is None or current.scope_name == registry.scope:
        return None
    scope = current.scope_name
    _module(kind, name, f'{scope}.registry')  # where a package has its registries, says MMEngine
    child = registry.children.get(scope)
    if child is None:
        return None
    child.import_from_location()
    return f'{scope}.{name}' if name in child.module_dict else None


def _find(kind: MemberKind, name: str) -> Callable[..., Any] | None:
    """The member of a name, be it registered, prefixed with a scope, or of a module."""
    registry = kind.registry
    registry.import_from_location()
    if name in registry.module_dict:
        return registry.module_dict[name]
    if '.' not in name or not all(part.isidentifier() for part in name.split('.')):
        return None
    module, _, attribute = name.rpartition('.')
    # MMEngine says of no module why it cannot be imported.
    _module(kind, name, f'{name.partition(".")[0]}.registry')
    of_module = getattr(_module(kind, name, module), attribute, None)
    # It also finds no function that has the name of its module.
    for member in (registry.get(name), of_module):
        if callable(member):
            return member
    return None


def _module(kind: MemberKind, name: str, module: str) -> ModuleType | None:
    """The module that a name may be of; None if there is none.

    Raises:
        LotteryError: If it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        none_there = isinstance(error, ModuleNotFoundError)
        if none_there and f'{module}.'.startswith(f'{error.name}.'):
            return None
        raise LotteryError(
            f'lottery.{kind.key}={name!r} needs the module {module}, which cannot be imported: '
            f'{reason(error)}'
        ) from error


def _check_options(kind: MemberKind, name: str, member: Any, options: Mapping[str, Any]) -> None:
    """Compares the options with the parameters that mmlth does not give by itself."""
    try:
        signature = inspect.signature(member)
    except ValueError as error:
        raise LotteryError(
            f'lottery.{kind.key}={name!r} does not tell its parameters; write a function around it'
        ) from error
    try:
        given = signature.bind_partial(*[None] * (0 if inspect.isclass(member) else kind.given))
    except TypeError as error:
        protocol = inspect.signature(kind.protocol.__call__).parameters
        takes = [parameter for parameter in protocol if parameter != 'self']
        raise LotteryError(
            f'lottery.{kind.key}={name!r} is called with ({", ".join(takes)}), but it takes '
            f'{signature}'
        ) from error
    left = [each for each in signature.parameters.values() if each.name not in given.arguments]
    by_name = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    known = [each for each in left if each.kind in by_name]
    names = [each.name for each in known]
    takes_any = any(each.kind is Parameter.VAR_KEYWORD for each in left)
    for option in options:
        if option not in names and not takes_any:
            raise LotteryError(
                f'lottery.{kind.key}={name!r} has no option {option!r}; it has '
                f'{", ".join(names) or "none"}'
            )
    for parameter in known:
        if parameter.default is parameter.empty and parameter.name not in options:
            raise LotteryError(f'lottery.{kind.key}={name!r} needs the option {parameter.name!r}')


def _plain(value: Any) -> Any:
    """The same without the config's own kinds of dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
