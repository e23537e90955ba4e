"""Files and folders that a config names: where they lie is no setting, what they hold is.

Annotations, checkpoints and other single files count by the SHA-256 of their bytes. A folder of
images counts where it says what the data are, by the names and sizes of its files.
"""

import contextlib
import functools
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmlth.engine.configs.data_check import loads_images

_PLACES = {
    *('data_root', 'data_prefix', 'img_prefix', 'seg_prefix', 'outfile_prefix'),
    *('backend_args', 'file_client_args'),
}
"""Keys that say nothing but where something lies, and how it is fetched from there."""
_PLACE_SUFFIXES = ('_root', '_dir')
_FILES = ('checkpoint', 'pretrained', 'from_file')
_FILE_SUFFIX = '_file'
_PATH = re.compile(r'(?:/|~/|\.{1,2}/).*|.+/|.*/[^/]*\.[A-Za-z]\w*')
"""What is a path under any key: absolute, from a folder, to a folder, or to a file with a suffix.

Names of metrics, such as ``coco/AP .5``, are not.
"""
_HASH, _NAME = 'sha256:', 'path:'
_IMAGES = '@images'
"""The key of the folder that `_images` names."""


class FileHash(str):
    """The hash of a file or folder, which knows where that lies as long as it is in memory."""

    path: Path


def by_content(value: Any, read: bool = True) -> Any:
    """Settings with what files hold in place of their paths.

    A path becomes ``sha256:HASH`` where there is such a file, ``path:`` and its last part
    elsewhere; see `same_content`. Keys that only say where data lie are left out.

    Args:
        value: Settings as JSON values; what this function returned stays as it is.
        read: Whether files are looked at. What was recorded at another time, maybe on another
            machine, says nothing of those that lie there now.
    """
    return _by_content(value, '', '', read)


def same_content(before: Any, now: Any) -> bool:
    """Whether two values of `by_content` agree, as far as is known.

    A file that could not be read agrees with any that could, or with one of its own name.

    Args:
        before: A value as it was recorded.
        now: The value of the same setting now.
    """
    if repr(before) == repr(now):  # 1 is neither 1.0 nor True
        return True
    if not (_stands_for_path(before) and _stands_for_path(now)):
        return False
    names = [each.removeprefix(_NAME) for each in (before, now) if each.startswith(_NAME)]
    return len(names) == 1 or (len(names) == 2 and not all(names))


def is_hash(value: Any) -> bool:
    """Whether `by_content` made this of a file or folder that it read."""
    return isinstance(value, str) and value.startswith(_HASH)


def file_hash(path: Path) -> FileHash:
    """SHA-256 of a file, as `by_content` writes it; read once while the file stays as it is."""
    status = path.stat()
    return _hash_of(path, _file_hash(str(path), status.st_size, status.st_mtime_ns))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open('rb') as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()


def _by_content(value: Any, key: str, root: str, read: bool) -> Any:
    if isinstance(value, Mapping):
        return _of_mapping(value, read)
    if isinstance(value, list):
        return [_by_content(item, key, root, read) for item in value]
    if not isinstance(value, str) or not _is_path(key, value):
        return value
    path = _under(root, os.path.expanduser(value))
    if read and os.path.isfile(path):  # False where it may not be looked at
        with contextlib.suppress(OSError):
            return file_hash(path)
    return _NAME if read and os.path.isdir(path) else f'{_NAME}{path.name}'


def _of_mapping(value: Mapping[str, Any], read: bool) -> dict[str, Any]:
    root = value.get('data_root')
    root = root if isinstance(root, str) and '://' not in root else ''
    kept = {
        key: _by_content(item, key, root, read)
        for key, item in value.items()
        if not _is_place(key, item)
    }
    folder = _images(value)
    if folder is not None:
        kept[_IMAGES] = _NAME
        if read and os.path.isdir(folder):
            listing = _listing_hash(str(folder), folder.stat().st_mtime_ns)
            kept[_IMAGES] = _hash_of(folder, listing)
    return kept


def _is_place(key: str, value: Any) -> bool:
    """Whether a setting says nothing but where something lies; ``remove_root=True`` says more."""
    return key in _PLACES or (key.endswith(_PLACE_SUFFIXES) and isinstance(value, str))


def _images(data_set: Mapping[str, Any]) -> Path | None:
    """The folder whose files say what a data set is.

    These are MMSegmentation's maps of labels, and the images of a data set that has no other
    annotations, as MMPretrain's may be.
    """
    root, prefix = data_set.get('data_root') or '', data_set.get('data_prefix') or ''
    maps = prefix.get('seg_map_path') if isinstance(prefix, Mapping) else None
    prefix = maps or prefix
    named = isinstance(prefix, str) and isinstance(root, str) and (root or prefix)
    listed = data_set.get('ann_file') and not maps
    if not named or listed or not loads_images(data_set):
        return None
    return _under(root, prefix)


def _is_path(key: str, text: str) -> bool:
    if not text or '://' in text or '::' in text or _stands_for_path(text):
        return False
    if _PATH.fullmatch(text):
        return True
    return (key.endswith(_FILE_SUFFIX) or key in _FILES) and bool(Path(text).suffix)


def _stands_for_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith((_HASH, _NAME))


def _hash_of(path: Path, digest: str) -> FileHash:
    value = FileHash(_HASH + digest)
    value.path = path
    return value


def _under(root: str, path: str) -> Path:
    """A path below a root, as MMEngine joins them; evaluators name files without the root."""
    below = os.path.join(root, path)
    return Path(path if os.path.exists(path) and not os.path.exists(below) else below)


@functools.lru_cache(maxsize=256)
def _file_hash(path: str, size: int, changed: int) -> str:
    return sha256_of(Path(path))


@functools.lru_cache(maxsize=16)
def _listing_hash(folder: str, changed: int) -> str:
    files = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith('.')]
        for name in names:
            path = os.path.join(place, name)
            if not name.startswith('.') and os.path.isfile(path):
                files.append([os.path.relpath(path, folder), os.path.getsize(path)])
    return hashlib.sha256(json.dumps(sorted(files)).encode()).hexdigest()
