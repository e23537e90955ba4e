"""How often each class occurs in the training data of a config."""

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.fileio import load
from mmengine.registry import DATASETS

from mmlth.engine.configs import check_annotations
from mmlth.engine.default_scope import enter_default_scope
from mmlth.engine.errors import LotteryError
from mmlth.quiet import quiet


def training_counts(config: Config) -> dict[str, int]:
    """Number of objects by class, in the order of the labels; crowds and ignored ones left out.

    Data sets are counted once each, however often wrappers repeat them.

    Args:
        config: The config of a detector.

    Raises:
        LotteryError: If it has no training data, they are not on this machine, or they tell no
            classes of objects.
    """
    if config.get('train_dataloader') is None:
        raise LotteryError('the config has no train_dataloader, so no class has a frequency')
    check_annotations(config, 'train_dataloader')
    enter_default_scope(config)
    counts: Counter[str] = Counter()
    with quiet():
        data = DATASETS.build(copy.deepcopy(config.train_dataloader.dataset))
    for data_set in _leaves(data):
        if not hasattr(data_set, 'get_cat_ids') or 'classes' not in data_set.metainfo:
            raise LotteryError(
                f'{type(data_set).__name__} tells no classes of objects, so no class has a '
                'frequency in training'
            )
        classes = _classes(data_set)
        counts.update(dict.fromkeys(classes, 0))
        for index in range(len(data_set)):
            for instance in data_set.get_data_info(index)['instances']:
                if not instance.get('ignore_flag'):
                    counts[classes[instance['bbox_label']]] += 1
    return dict(counts)


def _classes(data_set: Any) -> list[str]:
    """Their names by label.

    MMDetection's COCO sets number the classes as the annotation file does, in whatever order
    ``metainfo`` has them.
    """
    if getattr(data_set, 'cat_ids', None) is None:
        return list(data_set.metainfo['classes'])
    backend = getattr(data_set, 'backend_args', None)
    content = load(data_set.ann_file, file_format='json', backend_args=backend)
    names = {each['id']: each['name'] for each in content['categories']}
    return [names[category] for category in data_set.cat_ids]


def _leaves(data_set: Any) -> Iterator[Any]:
    inner = getattr(data_set, 'datasets', None) or [getattr(data_set, 'dataset', None)]
    if inner == [None]:
        yield data_set
        return
    for each in inner:
        yield from _leaves(each)
