"""What tells whether predictions are still those of a model, its config and its data."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmlth.engine.comparison import decisive_settings

_OF_PREDICTING = (
    'model',
    'data_preprocessor',
    'val_dataloader',
    'val_cfg',
    'val_evaluator',
    'default_scope',
)
_FILES = ('ann_file', 'bbox_file')
_CHUNK = 2**22


def settings_hash(config: Config) -> str:
    """SHA-256 of the settings that decide what a model predicts on the validation data.

    Args:
        config: The config; worker counts and paths do not matter.
    """
    settings = decisive_settings(config, {})
    kept = {key: _without_paths(settings.get(key)) for key in _OF_PREDICTING}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def data_hash(config: Config) -> str:
    """SHA-256 of the files that the validation's data sets and metrics read.

    Of annotation files the content counts, of folders of images the names and sizes of their
    files. A path that is not on this machine counts by its name.

    Args:
        config: The config.
    """
    digest = hashlib.sha256()
    for data_set in _data_sets([config.val_dataloader, config.val_evaluator]):
        root = data_set.get('data_root') or ''
        for key in _FILES:
            if data_set.get(key):
                _add_file(digest, _under(root, data_set[key]))
        prefixes = data_set.get('data_prefix') or {}
        for prefix in prefixes.values() if isinstance(prefixes, Mapping) else [prefixes]:
            if isinstance(prefix, str):
                _add_folder(digest, _under(root, prefix))
    return digest.hexdigest()


def _without_paths(value: Any) -> Any:
    """Settings without the names of files, whose content counts."""
    if isinstance(value, dict):
        paths = (*_FILES, 'data_prefix')
        return {key: _without_paths(item) for key, item in value.items() if key not in paths}
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    return value


def _data_sets(value: Any) -> Iterator[Mapping[str, Any]]:
    """Those within wrappers such as ConcatDataset, too."""
    if isinstance(value, Mapping):
        if 'ann_file' in value or 'data_prefix' in value:
            yield value
        for inner in value.values():
            yield from _data_sets(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _data_sets(inner)


def _under(root: str, path: str) -> Path:
    """As MMEngine joins them."""
    return Path(path) if Path(path).exists() and not Path(root, path).exists() else Path(root, path)


def _add_file(digest: Any, path: Path) -> None:
    if not path.is_file():
        digest.update(str(path).encode())
        return
    with path.open('rb') as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)


def _add_folder(digest: Any, folder: Path) -> None:
    if not folder.is_dir():
        digest.update(str(folder).encode())
        return
    with os.scandir(folder) as entries:
        found = sorted((entry.name, entry.stat().st_size) for entry in entries if entry.is_file())
    digest.update(json.dumps(found).encode())
