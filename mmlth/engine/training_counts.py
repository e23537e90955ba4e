"""How often each class occurs in the training data of a config."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from mmlth.engine.errors import LotteryError


def training_counts(config: Config) -> dict[str, int]:
    """Number of objects by class, in the order of the classes; crowds and ignored ones left out.

    Data sets are counted once each, however often wrappers repeat them.

    Args:
        config: The config of a detector.

    Raises:
        LotteryError: If it has no training data, or those tell no classes of objects.
    """
    if config.get('train_dataloader') is None:
        raise LotteryError('the config has no train_dataloader, so no class has a frequency')
    init_default_scope(config.get('default_scope') or 'mmengine')
    counts: Counter[str] = Counter()
    for data_set in _leaves(DATASETS.build(config.train_dataloader.dataset)):
        if not hasattr(data_set, 'get_cat_ids') or 'classes' not in data_set.metainfo:
            raise LotteryError(
                f'{type(data_set).__name__} tells no classes of objects, so no class has a '
                'frequency in training'
            )
        classes = data_set.metainfo['classes']
        counts.update(dict.fromkeys(classes, 0))
        for index in range(len(data_set)):
            for instance in data_set.get_data_info(index)['instances']:
                if not instance.get('ignore_flag'):
                    counts[classes[instance['bbox_label']]] += 1
    return dict(counts)


def _leaves(data_set: Any) -> Iterator[Any]:
    inner = getattr(data_set, 'datasets', None) or [getattr(data_set, 'dataset', None)]
    if inner == [None]:
        yield data_set
        return
    for each in inner:
        yield from _leaves(each)
