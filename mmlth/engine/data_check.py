"""Finds missing data before anything is built."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmlth.engine.errors import LotteryError


def check_data(config: Config) -> None:
    """Checks that the annotation files and image folders of training and validation exist.

    Raises:
        LotteryError: If one is missing; the message names the key, the path and the remedy.
    """
    for loader in ('train_dataloader', 'val_dataloader'):
        dataset = (config.get(loader) or {}).get('dataset')
        for key, path in _paths(dataset, f'{loader}.dataset'):
            if not path.exists():
                raise LotteryError(
                    f'{key} does not exist: {path} (from {Path.cwd()}); put the data there, or set '
                    f'its place with --cfg-options {loader}.dataset.data_root=…'
                )


def _paths(dataset: Any, key: str) -> Iterator[tuple[str, Path]]:
    if not isinstance(dataset, Mapping):
        return
    for name in ('dataset', 'datasets'):
        inner = dataset.get(name)
        for index, item in enumerate(inner if isinstance(inner, (list, tuple)) else [inner]):
            yield from _paths(
                item, f'{key}.{name}[{index}]' if name == 'datasets' else f'{key}.{name}'
            )
    if dataset.get('backend_args') is not None:
        return  # not in the local file system
    root = dataset.get('data_root') or ''
    if dataset.get('ann_file'):
        yield from _local(f'{key}.ann_file', root, dataset['ann_file'])
    prefixes = dataset.get('data_prefix')
    for name, prefix in prefixes.items() if isinstance(prefixes, Mapping) else ():
        if name in ('img', 'img_path') and prefix is not None:
            yield from _local(f'{key}.data_prefix.{name}', root, prefix)


def _local(key: str, root: str, path: Any) -> Iterator[tuple[str, Path]]:
    if isinstance(path, str) and '://' not in root + path and (root or path):
        yield key, Path(root, path)
