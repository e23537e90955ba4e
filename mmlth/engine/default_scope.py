"""The scope in which MMEngine's registries look up the names of a config first."""

from typing import Any

from mmengine.config import Config
from mmengine.registry import DefaultScope, init_default_scope


def enter_default_scope(config: Config) -> None:
    """Makes the default scope of a config the current one, as in a process that runs it alone.

    In configs of the newer style it is None: there is no current scope, and each package looks
    names up in its own registries. A Runner of such a config keeps the scope of the one before.

    Args:
        config: The config.
    """
    scope = config.get('default_scope', 'mmengine')
    if scope is None:
        DefaultScope._instance_dict.clear()
    else:
        init_default_scope(scope)


def scope_of(config: Config) -> str:
    """The default scope of a config; where that is None, the package of its model's class.

    Args:
        config: The config.
    """
    scope: str | None = config.get('default_scope', 'mmengine')
    if scope is not None:
        return scope
    kind: Any = config.model.type
    return str(getattr(kind, '__module__', kind)).partition('.')[0]
