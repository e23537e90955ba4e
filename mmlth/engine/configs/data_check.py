"""Finds missing data before any of it is loaded."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmlth.engine.configs.parts import type_name
from mmlth.engine.errors import LotteryError

_FOLDERS = ('img', 'img_path', 'seg_map_path', 'depth_map_path')
"""What data sets call the folders that they load images, or maps as large, from."""


def check_data(config: Config) -> None:
    """Checks that the annotation files and image folders of training and validation exist.

    Raises:
        LotteryError: If one is missing; the message names the key, the path and the remedy.
    """
    _check(_all_paths(config), or_else=', or set {key} in the config')


def check_annotations(config: Config, loader: str) -> None:
    """Checks that the annotation files of a data loader exist; MMPose merely asserts it.

    Args:
        config: The config.
        loader: The key of the data loader, such as ``train_dataloader``.

    Raises:
        LotteryError: If one is missing; the message names the key, the path and the remedy.
    """
    paths = _paths((config.get(loader) or {}).get('dataset'), f'{loader}.dataset')
    _check((key, path) for key, path in paths if key.endswith('.ann_file'))


def _check(paths: Iterable[tuple[str, Path]], or_else: str = '') -> None:
    for key, path in paths:
        if not path.exists():
            raise LotteryError(
                f'{key} does not exist: {path} (seen from {Path.cwd()}); put the data, or a '
                f'link to them, there{or_else.format(key=key)}'
            )


def _all_paths(config: Config) -> Iterator[tuple[str, Path]]:
    for loader in ('train_dataloader', 'val_dataloader'):
        yield from _paths((config.get(loader) or {}).get('dataset'), f'{loader}.dataset')
    evaluators = config.get('val_evaluator') or []
    for evaluator in evaluators if isinstance(evaluators, list) else [evaluators]:
        if evaluator.get('backend_args') is None and evaluator.get('ann_file'):
            yield from _local('val_evaluator.ann_file', '', evaluator['ann_file'])


def _paths(dataset: Any, key: str) -> Iterator[tuple[str, Path]]:
    if not isinstance(dataset, Mapping):
        return
    yield from _paths(dataset.get('dataset'), f'{key}.dataset')
    for index, item in enumerate(dataset.get('datasets') or ()):
        yield from _paths(item, f'{key}.datasets.{index}')
    if dataset.get('backend_args') is not None:
        return  # not in the local file system
    root = dataset.get('data_root') or ''
    if dataset.get('ann_file'):
        yield from _local(f'{key}.ann_file', root, dataset['ann_file'])
    if dataset.get('bbox_file'):
        yield from _local(f'{key}.bbox_file', '', dataset['bbox_file'])
    if not loads_images(dataset):
        return
    prefixes = dataset.get('data_prefix')
    if isinstance(prefixes, Mapping):
        for name in _FOLDERS:
            if prefixes.get(name) is not None:
                yield from _local(f'{key}.data_prefix.{name}', root, prefixes[name])
    elif isinstance(prefixes, str):  # of MMPretrain
        yield from _local(f'{key}.data_prefix', root, prefixes)
    elif root and dataset.get('split') and not dataset.get('ann_file'):
        # MMPretrain's sets of a known layout; those that download themselves load no image files.
        yield from _local(f'{key}.data_root', '', root)


def loads_images(dataset: Mapping[str, Any]) -> bool:
    """Some sets name an image folder that they never read (2-D to 3-D pose lifting)."""
    steps = [step for step in dataset.get('pipeline') or () if isinstance(step, Mapping)]
    return any('LoadImage' in type_name(step) for step in steps)


def _local(key: str, root: str, path: Any) -> Iterator[tuple[str, Path]]:
    if isinstance(path, str) and '://' not in root + path and (root or path):
        yield key, Path(root, path)
