"""The config of a search as search.json keeps it: data, read back without running anything."""

import json
from collections.abc import Mapping
from pathlib import Path, PurePath
from types import EllipsisType, FunctionType
from typing import Any

from mmengine.config import Config

from mmlth.engine.configs.parts import dotted_name
from mmlth.engine.configs.search_files import STATE_FILE
from mmlth.engine.errors import LotteryError
from mmlth.messages import reason
from mmlth.ticket import from_json, to_json

KEY = 'accepted_config'
"""The key of the config in search.json."""
STATE_FORMAT = 'mmlth-search'
"""What search.json says under its key ``format``."""
_SET_BY_EACH_RUN = ('work_dir', 'experiment_name', 'resume', 'load_from', 'launcher')
"""Keys that another run by the config sets itself."""
_MARK = '@python'
"""The key of what stands for a value that JSON and `mmlth.ticket.tree` do not have."""


def config_record(config: Config) -> dict[str, Any]:
    """A config as JSON values, from which `read_accepted` makes the same config.

    What is of one run alone, such as work_dir, is left out. Classes and functions, as configs of
    the newer style name them, become the dotted names that MMEngine finds them by. Of an object
    that is no data, such as a hook that a script has built, only the class is kept.
    """
    name = Path(config.filename).name if config.filename else None
    kept = {key: value for key, value in config.to_dict().items() if key not in _SET_BY_EACH_RUN}
    return {'file': name, **to_json(_data(kept, ''))}


def read_accepted(state: Path) -> Config:
    """The config that a search was accepted with, which starts it again from where it started.

    Args:
        state: The search.json of the search.

    Raises:
        LotteryError: If the file is damaged, or has no config that can be read.
    """
    try:
        content = json.loads(state.read_text(encoding='utf-8'))
        record = content.get(KEY)
        if record is None:
            raise LotteryError(
                f'{state} was written by a mmlth that did not keep the config in it; run the '
                'training command of the search with its config and --resume (resume=True) once '
                'more, which adds it and trains no finished round again'
            )
        # Without a text MMEngine would look for the file.
        config = Config(_value(from_json(record), state), cfg_text=' ', filename=record['file'])
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, LotteryError):
            raise
        raise LotteryError(f'{state} is damaged: {reason(error)}') from error
    config.load_from = content.get('load_from')
    return config


def is_search_state(path: Path) -> bool:
    """Whether a file is the search.json of a search, rather than a config of that name."""
    if path.name != STATE_FILE:
        return False
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get('format') == STATE_FORMAT


def _data(value: Any, key: str) -> Any:
    """The value with marks in place of what `to_json` does not take."""
    if isinstance(value, Mapping):
        within = f'{key}.' if key else ''
        items = {name: _data(item, f'{within}{name}') for name, item in value.items()}
        return {_MARK: ('dict', list(items.items()))} if _MARK in items else items
    if isinstance(value, (list, tuple)):
        members = [_data(item, f'{key}[{index}]') for index, item in enumerate(value)]
        return members if isinstance(value, list) else tuple(members)
    marked = _marked(value, key)
    if marked is not None:
        return {_MARK: marked}
    if isinstance(value, (type, FunctionType)) and '<' not in value.__qualname__:
        return dotted_name(value)
    try:
        to_json(value)
    except TypeError:
        return {_MARK: ('object', key, dotted_name(type(value)))}
    return value


def _marked(value: Any, key: str) -> tuple[Any, ...] | None:
    if isinstance(value, (slice, range)):
        return type(value).__name__, value.start, value.stop, value.step
    if isinstance(value, (set, frozenset)):
        members = [_data(item, key) for item in value]
        return type(value).__name__, sorted(members, key=repr)  # sets have no order of their own
    if isinstance(value, bytes):
        return 'bytes', value.hex()
    if isinstance(value, complex):
        return 'complex', value.real, value.imag
    if isinstance(value, PurePath):
        return 'path', str(value)
    if isinstance(value, EllipsisType):
        return ('ellipsis',)
    return None


_MAKE: dict[str, Any] = {
    'dict': dict,
    'slice': slice,
    'range': range,
    'set': set,
    'frozenset': frozenset,
    'bytes': bytes.fromhex,
    'complex': complex,
    'path': Path,
    'ellipsis': lambda: ...,
}


def _value(data: Any, state: Path) -> Any:
    """What `_data` was given."""
    if isinstance(data, (list, tuple)):
        return type(data)(_value(item, state) for item in data)
    if not isinstance(data, dict):
        return data
    if _MARK not in data:
        return {key: _value(item, state) for key, item in data.items()}
    kind, *arguments = data[_MARK]
    if kind == 'object':
        key, name = arguments
        raise LotteryError(
            f'the config of the search in {state.parent} has an object in it, {key} of class '
            f'{name}, which no file can hold; give the settings of the object in place of it, as '
            'in dict(type=...), and run the search with that config'
        )
    return _MAKE[kind](*(_value(each, state) for each in arguments))
