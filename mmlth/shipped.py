"""The configs that come with mmlth."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def configs_folder() -> Path:
    """``configs/``: inside an installed package, or beside it in the source tree."""
    installed = _PACKAGE / '.mim' / 'configs'
    return installed if installed.is_dir() else _PACKAGE.parent / 'configs'


def base_config(name: str = 'imp') -> str:
    """The path of a pruning base config, for the ``_base_`` of a config in any repository.

    MMEngine evaluates ``_base_``, so a config can say::

        _base_ = ['mmdet::yolox/yolox_tiny_8xb8-300e_coco.py', __import__('mmlth').base_config()]

    Args:
        name: The NAME in ``configs/_base_/lth/NAME.py``.

    Raises:
        ValueError: If there is no such base config; the message lists those there are.
    """
    folder = configs_folder() / '_base_' / 'lth'
    path = folder / f'{name}.py'
    if not path.is_file():
        known = ', '.join(sorted(file.stem for file in folder.glob('*.py')))
        raise ValueError(f'mmlth has no base config {name!r}; it has: {known}')
    return str(path)
