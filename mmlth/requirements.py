"""Checks the packages that users bring themselves."""

import importlib
import importlib.util
import re

MINIMUM = {'torch': (2, 4), 'mmengine': (0, 10)}
"""Oldest versions that mmlth works with, by import name."""


def check_requirements() -> None:
    """Raises one clear line if a package that mmlth needs is missing or too old.

    Raises:
        ImportError: Naming the package, its version, and the version needed.
    """
    for name, minimum in MINIMUM.items():
        needed = '.'.join(map(str, minimum))
        if importlib.util.find_spec(name) is None:
            raise ImportError(f'mmlth needs {name} {needed} or newer, which is not installed')
        version = importlib.import_module(name).__version__
        found = tuple(int(part) for part in re.findall(r'\d+', version)[:2])
        if found < minimum:
            raise ImportError(f'mmlth needs {name} {needed} or newer, got {version}: please update it')
