"""Weights that a training downloads before it starts, and one line where that fails."""

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.error import URLError

from mmengine.config import Config

from mmlth.engine.configs.untrained import is_pretrained
from mmlth.engine.errors import LotteryError
from mmlth.messages import join_names


@contextlib.contextmanager
def explaining_failed_downloads(config: Config) -> Iterator[None]:
    """Turns the error of a download into one line that names the keys which ask for it.

    Args:
        config: The config that is trained.

    Raises:
        LotteryError: If a download failed and the config asks for one; other errors pass.
    """
    try:
        yield
    except URLError as error:
        wanted = dict(_downloads(config))
        if not wanted:
            raise
        named = join_names(f'{key} ({source})' for key, source in wanted.items())
        raise LotteryError(
            f'weights to start from cannot be downloaded: {error}; the config asks for {named}: '
            f'give a file in its place, or start without by --cfg-options {next(iter(wanted))}=None'
        ) from error


def _downloads(config: Config) -> Iterator[tuple[str, str]]:
    """The keys of a config that name weights behind a URL, and the URLs."""
    if _is_remote(config.get('load_from')):
        yield 'load_from', config.load_from
    yield from _of_model('model', config.get('model'))


def _of_model(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if is_pretrained(value):
        if _is_remote(value.get('checkpoint')):
            yield key, value['checkpoint']
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == 'pretrained' and _is_remote(item):
                yield f'{key}.{name}', item
            yield from _of_model(f'{key}.{name}', item)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _of_model(f'{key}.{index}', item)


def _is_remote(value: Any) -> bool:
    return isinstance(value, str) and '://' in value
