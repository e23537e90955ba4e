"""Where the configs are that come with mmlth."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1] / 'mmlth'


def configs_folder() -> Path:
    """``configs/``: inside an installed package, or beside it in the source tree."""
    installed = _PACKAGE / '.mim' / 'configs'
    return installed if installed.is_dir() else _PACKAGE.parent / 'configs'


def config_files() -> list[str]:
    """The configs, each by its path below ``configs/``.

    All are in a folder of a folder, such as ``lth/rtmdet``. What lies above is a short name for one
    of them, and none of its own.
    """
    folder = configs_folder()
    return sorted(file.relative_to(folder).as_posix() for file in folder.glob('*/*/*.py'))
