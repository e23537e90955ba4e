"""What one config of a package becomes beside the pruning base config."""

import copy
import functools
import importlib
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from mmengine.config import Config
from repository import ROOT

from mmlth.engine import parse_settings
from mmlth.engine.training.round_config import Origin, round_config

PRUNING_BASE = ROOT / 'configs/_base_/lth/imp.py'
PARTS_OF_OTHERS = {'_base_', 'common', '__pycache__'}


def config_folder(package):
    return Path(importlib.import_module(package).__file__).parent / '.mim/configs'


def experiments(package):
    """Names of all configs; neither what is only part of others nor scripts that lie beside."""
    folder = config_folder(package)
    files = [path for path in sorted(folder.rglob('*.py')) if "'__main__'" not in path.read_text()]
    names = [str(path.relative_to(folder)) for path in files]
    return [name for name in names if not PARTS_OF_OTHERS & set(Path(name).parts)]


# Of a folder's configs most share their bases, and each is a base of the one that opts in.
_read = functools.lru_cache(maxsize=200)(Config._file2dict)


def _read_once(*arguments, **options):
    return copy.deepcopy(_read(*arguments, **options))


@mock.patch.object(Config, '_file2dict', staticmethod(_read_once))
def opt_in(package, name, base=PRUNING_BASE):
    """None, or whose fault (the stack's own or mmlth's) and what is wrong."""
    path = config_folder(package) / name
    # What custom_imports name may be missing here and is no part of the config.
    parse = functools.partial(Config.fromfile, import_custom_modules=False)
    try:
        own = parse(path)
    except Exception as error:
        return 'stack', f'{type(error).__name__}: {error}'
    with TemporaryDirectory() as folder:
        child = Path(folder, 'child.py')
        child.write_text(f"_base_ = ['{path}', '{base}']\n")
        try:
            inherited = parse(child)
        except Exception as error:
            return 'mmlth', f'{type(error).__name__}: {error}'
        trained = round_config(inherited, Path(folder, 'round_00'), 0, Origin())
    parse_settings(inherited.lottery)
    if inherited.keys() != own.keys() | {'lottery'}:
        return 'mmlth', f'keys: {sorted(inherited.keys() ^ own.keys())}'
    changed = [key for key in own if inherited[key] != own[key]]
    # What a round trains with: the user's config but for where it writes, starts from, is seeded.
    ours = {'work_dir', 'load_from', 'resume', 'randomness', 'visualizer', 'default_hooks'}
    hooks = own.get('default_hooks') or {}
    changed += [
        key for key in hooks.keys() - {'checkpoint'} if trained.default_hooks.get(key) != hooks[key]
    ]
    changed += [key for key in own.keys() - ours if trained.get(key) != own[key]]
    return ('mmlth', f'changed: {changed}') if changed else None
