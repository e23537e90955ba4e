"""Packages that only some analyses need, and that come with the extra ``analysis``."""

import importlib.util

from mmlth_common.packages import missing_package


def require(name: str, what: str) -> None:
    """Checks that a package is installed, before it is imported.

    Args:
        name: The name of the package.
        what: What needs it, for the message.

    Raises:
        ModuleNotFoundError: If it is not installed; says how to install it.
    """
    if importlib.util.find_spec(name) is None:
        raise ModuleNotFoundError(missing_package(name, what), name=name)
