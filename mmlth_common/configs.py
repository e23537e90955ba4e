"""Where the configs are that come with mmlth."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1] / 'mmlth'


def configs_folder() -> Path:
    """``configs/``: inside an installed package, or beside it in the source tree."""
    installed = _PACKAGE / '.mim' / 'configs'
    return installed if installed.is_dir() else _PACKAGE.parent / 'configs'
