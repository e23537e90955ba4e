"""Where things lie in this repository, wherever a test lies."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = ROOT / 'tests'
CONFIGS = ROOT / 'configs/lth'
DEMO = CONFIGS / 'mask_rcnn_tiny_shapes_imp.py'


def data_set(name: str) -> Path:
    """The folder of a real data set: ``data/NAME``, or the part of it that is committed here.

    Configs name the folder from two levels above it.
    """
    import pytest  # which processes of the tests need not

    for folder in (ROOT / 'data' / name, TESTS / 'data' / name):
        if folder.is_dir():
            return folder
    pytest.skip(f'data/{name} is absent')
