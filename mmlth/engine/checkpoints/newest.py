"""The newest undamaged checkpoint of a round, which it continues from."""

import errno
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.logging import MMLogger

from mmlth.engine.checkpoints.loading import load_checkpoint_safely
from mmlth.engine.errors import DamagedCheckpointError

INTERRUPTED = 'interrupted.pth'
"""Written when a signal ends a round between the checkpoints of the CheckpointHook."""


def newest_checkpoint(config: Config, folder: Path, logger: MMLogger) -> Path | None:
    """The newest undamaged checkpoint of a round, wherever the folder is now.

    The first process looks, and all use the checkpoint that it finds.

    Args:
        config: The config whose CheckpointHook wrote it.
        folder: The round's folder.
        logger: Gets a warning of damaged ones, which are passed over.
    """
    newest: list[Path | None] = [None]
    if is_main_process():
        damaged = []
        hook = (config.get('default_hooks') or {}).get('checkpoint') or {}
        for path in _newest_first(folder, hook.get('filename_tmpl') or ''):
            if is_whole(path):
                newest = [path]
                break
            damaged.append(path.name)
        if damaged:
            instead = f'continues from {newest[0].name}' if newest[0] else 'starts over'
            logger.warning(
                f'{folder}: {", ".join(damaged)} cannot be used, being damaged; the round {instead}'
            )
    broadcast_object_list(newest)
    return newest[0]


def _newest_first(folder: Path, template: str) -> Iterator[Path]:
    pointer = folder / 'last_checkpoint'
    text = pointer.read_text(errors='replace').strip() if pointer.is_file() else ''
    last = folder / Path(text).name if text else None  # an absolute path, maybe of another time
    if last and last.is_file():
        yield last
    own = re.escape(template).replace(r'\{\}', r'\d+')
    names = re.compile(rf'(epoch|iter)_\d+\.pth|{INTERRUPTED}|{own}')
    others = [path for path in folder.glob('*') if names.fullmatch(path.name) and path != last]
    yield from sorted(others, key=_age, reverse=True)


def _age(path: Path) -> tuple[int, int]:
    """The number in the name, since copies have no telling times; `INTERRUPTED` has none."""
    number = re.search(r'(\d+)\.\w+$', path.name)
    return int(number[1]) if number else -1, path.stat().st_mtime_ns


def is_whole(path: Path) -> bool:
    """Whether every part of the file agrees with its checksum, which torch.load does not look at.

    What the archive says of its parts has no checksum, so it is read as torch reads it, too, which
    takes a part for empty where a flag calls it a folder.
    """
    try:
        with zipfile.ZipFile(path) as file:
            if file.testzip() is not None or any(part.external_attr for part in file.infolist()):
                return False
    except MemoryError:
        raise
    except OSError as error:
        if error.errno != errno.EINVAL:  # damaged ones make zipfile seek to impossible places
            raise
        return False
    except Exception:  # zipfile raises a dozen kinds on damaged files, zlib.error among them
        return False
    try:
        load_checkpoint_safely(path)
    except DamagedCheckpointError:
        return False
    return True
