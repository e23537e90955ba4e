"""What tells whether predictions are still those of a model, its config and its data."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmlth.engine.configs import all_parts, plain_settings

_OF_PREDICTING = (
    'model',
    'data_preprocessor',
    'val_dataloader',
    'val_cfg',
    'val_evaluator',
    'default_scope',
)
_FILES = ('ann_file', 'bbox_file')
_TEXTS = ('.xml', '.txt', '.json', '.csv')
_SHORT = 2**20  # bytes; the annotations of one image are shorter, those of a data set longer
_CHUNK = 2**22


def settings_hash(config: Config) -> str:
    """SHA-256 of the settings that decide what a model predicts on the validation data.

    Args:
        config: The config; worker counts and paths do not matter.
    """
    settings = config.to_dict()
    # What files hold is in `data_hash`.
    given = {key: _without_paths(settings.get(key)) for key in _OF_PREDICTING}
    kept = plain_settings(given, read=False)
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def data_hash(config: Config, own: Path | None = None) -> str:
    """SHA-256 of the files that the validation's data sets and metrics read.

    Of annotation files the content counts. Of the folders of images, and of all folders in them,
    names and sizes of the files do, and the content of texts up to 1 MiB, such as the XML of an
    image; so another image of the very same size is not noticed. Where a data set names no folder
    at all, its images do not count. A path that is not on this machine counts by its name.

    Args:
        config: The config.
        own: Where predictions are kept. Folders on the way to it do not count, lest what is written
            there be taken for other data; a folder that a data set names itself does.
    """
    digest = hashlib.sha256()
    for data_set in all_parts([config.val_dataloader, config.val_evaluator]):
        if 'ann_file' not in data_set and 'data_prefix' not in data_set:
            continue
        root = data_set.get('data_root') or ''
        for key in _FILES:
            if data_set.get(key):
                _add_file(digest, _under(root, data_set[key]))
        prefixes = data_set.get('data_prefix', '')
        for prefix in prefixes.values() if isinstance(prefixes, Mapping) else [prefixes]:
            if isinstance(prefix, str) and (root or prefix):
                _add_folder(digest, _under(root, prefix) if prefix else Path(root), own)
    return digest.hexdigest()


def _without_paths(value: Any) -> Any:
    """Settings without the names of files, whose content counts."""
    if isinstance(value, dict):
        paths = (*_FILES, 'data_prefix')
        return {key: _without_paths(item) for key, item in value.items() if key not in paths}
    if isinstance(value, (list, tuple)):
        return [_without_paths(item) for item in value]
    return value


def _under(root: str, path: str) -> Path:
    """A path below a root, as MMEngine joins them."""
    return Path(path) if Path(path).exists() and not Path(root, path).exists() else Path(root, path)


def _add_file(digest: Any, path: Path) -> None:
    if not path.is_file():
        digest.update(str(path).encode())
        return
    with path.open('rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)


def _add_folder(digest: Any, folder: Path, own: Path | None) -> None:
    if not folder.is_dir():
        digest.update(str(folder).encode())
        return
    digest.update(json.dumps(sorted(_described(folder, own))).encode())


def _described(folder: Path, own: Path | None) -> Iterator[tuple[str, int, str]]:
    """The name of each file below the folder, its size, and the hash of a short text."""
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        ours = own is not None and place != str(folder) and own.resolve().is_relative_to(real)
        if real in seen or ours:  # a link that leads back would never end
            folders.clear()
            continue
        seen.add(real)
        below = os.path.relpath(place, folder)
        folders.sort()  # of two links to one folder, the same is followed each time
        for name in names:
            path = os.path.join(place, name)
            with contextlib.suppress(FileNotFoundError):  # a link that leads nowhere
                size = os.stat(path).st_size
                short = name.lower().endswith(_TEXTS) and size <= _SHORT
                text = hashlib.sha256(Path(path).read_bytes()).hexdigest() if short else ''
                yield os.path.join(below, name), size, text
