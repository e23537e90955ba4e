"""Reading a config by file, by name, or as a search recorded it."""

import copy
import difflib
import importlib.util
import itertools
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from mmlth.engine.configs.accepted_config import is_search_state, read_accepted
from mmlth.engine.configs.lazy_configs import explaining_lazy_configs, without_modules
from mmlth.engine.errors import LotteryError, explaining_missing_packages, one_line_if

ZOOS = ('mmdet', 'mmpose', 'mmseg', 'mmpretrain', 'mmlth')


_CANDIDATES = 12  # of which three are offered


def read_config(source: str | Path | Config, options: Mapping[str, Any] | None = None) -> Config:
    """Reads a config.

    Args:
        source: A file; a name such as ``mmdet::yolox/yolox_s_8xb8-300e_coco.py`` of a config that
            mmdet, mmpose, mmseg, mmpretrain or mmlth ships; the search.json of a search, whose
            config it then is; or a config, which stays as it is.
        options: Changes by dotted key, as ``--cfg-options`` gives them.

    Raises:
        LotteryError: If there is no such config, or it cannot be parsed; one line that says why.
    """
    if isinstance(source, Config):
        config = copy.deepcopy(without_modules(source))
    else:
        name = str(source)
        path = _zoo_file(name) if '::' in name else _file(name)
        if is_search_state(path):
            config = searched_config(path)
        else:
            with (
                one_line_if(f'the config {name} cannot be read'),
                explaining_missing_packages(f'the config {name}', path),
                explaining_lazy_configs(f'the config {name}'),
            ):
                config = Config.fromfile(path)
    if options:
        with one_line_if('the changes by cfg_options (--cfg-options) do not fit the config'):
            config.merge_from_dict(dict(options))
    if config.get('model') is None:
        shown = config.filename or 'the config' if isinstance(source, Config) else source
        raise LotteryError(f'{shown} is no config of a model: it has no key `model`')
    return config


def searched_config(state: Path) -> Config:
    """The config that a search was accepted with; its custom modules are imported.

    Args:
        state: The search.json of the search.

    Raises:
        LotteryError: If there is none, or it needs a package that is not installed.
    """
    config = read_accepted(state)
    imports = config.get('custom_imports')
    if imports:
        what = f'the config of the search in {state.parent}'
        with one_line_if(f'{what} cannot be used'), explaining_missing_packages(what):
            import_modules_from_strings(**imports)
    return config


def _file(name: str) -> Path:
    path = Path(name).expanduser()
    if path.is_file():
        return path
    beside = [file.name for file in path.parent.glob('*.py')] if path.parent.is_dir() else []
    near = _of_models(path.parent, difflib.get_close_matches(path.name, beside, n=_CANDIDATES))
    hint = f'did you mean {", ".join(str(path.parent / file) for file in near)}?'
    raise LotteryError(
        f'the config {name} does not exist (seen from {Path.cwd()}); '
        + (hint if near else 'give a file, or a name such as mmdet::FOLDER/CONFIG.py')
    )


def _zoo_file(name: str) -> Path:
    package, _, relative = name.partition('::')
    folder = _zoo_folder(package)
    wanted = relative if relative.endswith('.py') else f'{relative}.py'
    if (folder / wanted).is_file():
        return folder / wanted
    known = [file.relative_to(folder).as_posix() for file in sorted(folder.rglob('*.py'))]
    known = [file for file in known if '_base_' not in Path(file).parts]
    by_file_name = [file for file in known if os.path.basename(file) == os.path.basename(wanted)]
    near = (
        _of_models(folder, by_file_name)
        or _of_models(folder, difflib.get_close_matches(wanted, known, n=_CANDIDATES))
        or _of_models(folder, _by_file_name(os.path.basename(wanted), known))
    )
    hint = (
        f'nearest: {", ".join(f"{package}::{file}" for file in near)}'
        if near
        else (f'its configs lie in {folder}')
    )
    raise LotteryError(f'{package} has no config {relative!r}; {hint}')


def _by_file_name(wanted: str, known: list[str]) -> list[str]:
    names = {os.path.basename(file): file for file in known}
    return [names[name] for name in difflib.get_close_matches(wanted, list(names), n=_CANDIDATES)]


def _of_models(folder: Path, files: Iterable[str]) -> list[str]:
    """The first three that can be searched; others are parts of configs, such as ``*_tta.py``."""
    return list(itertools.islice((file for file in files if _has_model(folder / file)), 3))


def _has_model(file: Path, generations: int = 10) -> bool:
    """Whether a config or what it inherits sets ``model``, as far as its text tells."""
    if not generations or not file.is_file():
        return False
    text = file.read_text(encoding='utf-8', errors='replace')
    if re.search(r'^model\b', text, re.M) or 'read_base' in text:
        return True
    bases = re.search(r'^_base_\s*=\s*(\[.*?\]|.*?$)', text, re.M | re.S)
    names = re.findall(r"""['"](.+?)['"]""", bases[1]) if bases else []
    return any('::' in name or _has_model(file.parent / name, generations - 1) for name in names)


def _zoo_folder(package: str) -> Path:
    if package not in ZOOS:
        raise LotteryError(f'unknown zoo {package!r}; configs come from {", ".join(ZOOS)}')
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise LotteryError(f'{package} is not installed')
    folder = Path(spec.origin).parent
    # In its source tree a package has its configs beside it.
    return next(
        (place for place in (folder / '.mim/configs', folder.parent / 'configs') if place.is_dir()),
        folder,
    )
