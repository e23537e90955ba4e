"""Where things lie in this repository, wherever a test lies."""

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = ROOT / 'tests'
CONFIGS = ROOT / 'configs/lth'
DEMO = CONFIGS / 'mask_rcnn/mask_rcnn_tiny_shapes_imp.py'


def installed_configs() -> list[Path]:
    """Our configs, but for those of packages that are not installed."""
    return [path for path in sorted(CONFIGS.glob('**/*.py')) if all(map(_installed, _zoos(path)))]


def _zoos(config: Path) -> set[str]:
    """The packages that a config, or what it inherits, takes configs of."""
    text = config.read_text()
    names = set(re.findall(r"'(mm\w+)::", text))
    bases = re.findall(r"^_base_ = '(.+?)'", text, re.M)
    return names.union(*(_zoos(config.parent / base) for base in bases if '::' not in base))


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def data_set(name: str) -> Path:
    """The folder of a real data set: ``data/NAME``, or the part of it that is committed here.

    Configs name the folder from two levels above it.
    """
    import pytest  # which processes of the tests need not

    for folder in (ROOT / 'data' / name, TESTS / 'data' / name):
        if folder.is_dir():
            return folder
    pytest.skip(f'data/{name} is absent')
