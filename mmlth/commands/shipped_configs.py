"""The configs that come with mmlth: what each is, and its text for any other place."""

import ast
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mmlth.shipped import BASES
from mmlth_common.configs import config_files, configs_folder


@dataclass(frozen=True)
class ShippedConfig:
    """A config that comes with mmlth.

    Args:
        file: Its path below ``configs/``, such as ``lth/rtmdet/rtmdet_tiny_imp.py``.
        summary: Its first line, which is a comment.
        package: The package whose model it trains, such as ``mmdet``; None for base configs.
    """

    file: str
    summary: str
    package: str | None

    @property
    def name(self) -> str:
        """The file without folders and suffix."""
        return PurePosixPath(self.file).stem

    @property
    def group(self) -> str:
        """The family of its model, whose folder it is in; of base configs their folder."""
        folder = PurePosixPath(self.file).parent
        return str(folder) if self.package is None else folder.name

    @property
    def path(self) -> Path:
        """Where it is."""
        return configs_folder() / self.file


def shipped_configs() -> list[ShippedConfig]:
    """All of them: those that train a model by package and family, then base configs."""
    configs = [_described(file) for file in config_files()]
    return sorted(configs, key=lambda each: (each.package or '~', each.group, each.name))


def base_line(file: str) -> str:
    """What the ``_base_`` of a config in any folder names a shipped config by.

    Args:
        file: Its path below ``configs/``.

    Example:
        >>> base_line('_base_/lth/imp.py')
        "__import__('mmlth').base_config('imp')"
    """
    path = PurePosixPath(file)
    return f"__import__('mmlth').base_config({path.stem if str(path.parent) == BASES else file!r})"


def portable_text(config: ShippedConfig) -> str:
    """The text of a config that can be read from any folder.

    What it inherits by a path relative to its own folder, it then inherits by that of the installed
    mmlth, so that variables of its bases (``{{_base_.x}}``) stay what they are.

    Args:
        config: The config.
    """
    lines = config.path.read_bytes().splitlines(keepends=True)
    for base in reversed(_bases(config.path)):
        if '::' not in base.name:
            line = base_line(_beside(config.path, base.name)).encode()
            before = lines[base.line]
            lines[base.line] = before[: base.start] + line + before[base.end :]
    return b''.join(lines).decode()


def _described(file: str) -> ShippedConfig:
    path = configs_folder() / file
    with path.open(encoding='utf-8') as stream:
        summary = stream.readline().removeprefix('#').strip()
    return ShippedConfig(file, summary, _package(path))


def _package(path: Path) -> str | None:
    """The package of the first config of a zoo that a config inherits, however far away."""
    for base in _bases(path):
        scope, colons, _ = base.name.partition('::')
        package = scope if colons else _package(path.parent / base.name)
        if package is not None:
            return package
    return None


@dataclass(frozen=True)
class _Base:
    """A text in the ``_base_`` line of a config, and where it stands: from byte to byte."""

    name: str
    line: int
    start: int
    end: int | None


def _bases(path: Path) -> list[_Base]:
    for statement in ast.parse(path.read_bytes()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == '_base_':
            value = statement.value
            return [
                _Base(item.value, item.lineno - 1, item.col_offset, item.end_col_offset)
                for item in (value.elts if isinstance(value, ast.List) else [value])
                if isinstance(item, ast.Constant) and isinstance(item.value, str)
            ]
    return []


def _beside(path: Path, relative: str) -> str:
    """What a path relative to a config is below ``configs/``."""
    target = (path.parent / relative).resolve()
    return target.relative_to(configs_folder().resolve()).as_posix()
