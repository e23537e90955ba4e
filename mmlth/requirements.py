"""Checks the packages that users bring themselves."""

import importlib
import importlib.util
import re

MINIMUM = {'torch': (2, 4), 'mmengine': (0, 10), 'matplotlib': (3, 7)}
"""Oldest versions that mmlth works with, by import name."""


def check_requirements(*names: str) -> None:
    """Raises one clear line if a package that mmlth needs is missing or too old.

    Args:
        *names: The packages to check, by import name. Defaults to all that `MINIMUM` lists.

    Raises:
        ImportError: Naming the package, its version, and the version needed.
    """
    for name in names or MINIMUM:
        needed = '.'.join(map(str, MINIMUM[name]))
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(
                f'mmlth needs {name} {needed} or newer, which is not installed: please install it',
                name=name,
            )
        # Not from the metadata, for the forks have distribution names of their own.
        version = getattr(importlib.import_module(name), '__version__', 'an unknown version')
        # A build such as 2.4.0a0+git7b5 counts as its release, 2.4: it may well have what we need.
        installed = tuple(map(int, re.findall(r'\d+', version.partition('+')[0])[:2]))
        if installed < MINIMUM[name]:
            raise ImportError(
                f'mmlth needs {name} {needed} or newer, got {version}: please update it'
            )
