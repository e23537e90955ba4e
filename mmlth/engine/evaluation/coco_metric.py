"""The data set and the COCO metric that a config evaluates predictions by."""

from dataclasses import dataclass
from typing import Any

from mmengine.config import Config
from mmengine.registry import METRICS
from mmengine.runner import Runner

from mmlth.engine.configs import all_parts, check_annotations, type_name
from mmlth.engine.default_scope import enter_default_scope, scope_of
from mmlth.engine.errors import LotteryError
from mmlth_common.choices import SPLITS

_APIS = ('_coco_api', '_lvis_api', 'coco')


@dataclass(frozen=True)
class DataSet:
    """Images and the objects in them.

    Attributes:
        coco: ``images``, ``annotations`` and ``categories`` as in COCO's files; only the classes
            that the model knows. Without ``area`` where the config's metric goes by boxes instead
            (``use_area=False``).
        joints: Names of the keypoints; empty without keypoints.
        sigmas: For each keypoint the standard deviation of its annotation, as a share of the
            object's size.
        swaps: Pairs of joints that mirror each other, such as both eyes.
    """

    coco: dict[str, Any]
    joints: tuple[str, ...] = ()
    sigmas: tuple[float, ...] = ()
    swaps: tuple[tuple[str, str], ...] = ()


def of_split(config: Config, split: str) -> Config:
    """A config that validates on this split.

    Args:
        config: The config; it is changed in place.
        split: ``val`` or ``test``.

    Raises:
        LotteryError: If the config lacks that split, or its annotations are not on this machine.
    """
    if split not in SPLITS:
        raise LotteryError(f'there is no split {split!r}; choose one of {", ".join(SPLITS)}')
    lacking = [
        key for key in (f'{split}_dataloader', f'{split}_evaluator') if config.get(key) is None
    ]
    if lacking:
        other = SPLITS[1 - SPLITS.index(split)]
        raise LotteryError(
            f'the config lacks {" and ".join(lacking)}, so there is no split {split!r} to predict '
            f'on; give it that, or choose --split {other} (split={other!r})'
        )
    check_annotations(config, f'{split}_dataloader')
    for part in ('dataloader', 'evaluator'):
        config[f'val_{part}'] = config.get(f'{split}_{part}')
    # Not test_cfg: a TestLoop's hooks look for a test loop, and here validation is all that runs.
    config.val_cfg = config.get('val_cfg') or {}
    return config


def evaluating_objects(config: Config) -> Config:
    """A config one of whose metrics writes COCO results; MMDetection's and MMPose's own do."""
    scope = scope_of(config)
    enter_default_scope(config)
    evaluators = _metrics(config.val_evaluator)
    with METRICS.switch_scope_and_registry(scope) as registry:
        classes = [
            kind if isinstance(kind := each['type'], type) else registry.get(kind)
            for each in evaluators
        ]
    if any(hasattr(cls, 'results2json') for cls in classes):
        return config
    if scope not in ('mmdet', 'mmpose'):
        names = ', '.join(map(type_name, evaluators))
        raise LotteryError(
            f'the config evaluates no boxes, masks or keypoints but {names}; analyses of '
            'predictions need a config of MMDetection or MMPose'
        )
    # The ground truth comes from the data set itself, in whichever format that is.
    own = {'metric': 'bbox'} if scope == 'mmdet' else {}
    config.val_evaluator = [*evaluators, {'type': f'{scope}.CocoMetric', **own}]
    _pack_instances(config.val_dataloader)
    return config


def _metrics(evaluator: Any) -> list[Any]:
    """The settings of all metrics of an evaluator, which may be given as these alone."""
    if isinstance(evaluator, (list, tuple)):
        return list(evaluator)
    if 'metrics' not in evaluator:
        return [evaluator]
    kind = type_name(evaluator) if 'type' in evaluator else 'Evaluator'
    if kind != 'Evaluator':
        raise LotteryError(
            f'the config evaluates by a {kind}, but predictions are analysed on one data set at a '
            'time: give val_dataloader and val_evaluator of a single one, in a config with this '
            'one as _base_ and _delete_=True in both'
        )
    return _metrics(evaluator['metrics'])


def _pack_instances(loader: Any) -> None:
    """Has pipelines pass on what MMDetection's CocoMetric makes ground truth of."""
    for step in all_parts(loader):
        if type_name(step) == 'PackDetInputs':
            default = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
            step['meta_keys'] = (*step.get('meta_keys', default), 'instances')


def coco_metric(runner: Runner) -> Any:
    """The metric of a Runner that keeps its results in COCO's format."""
    loop: Any = runner.val_loop
    return next(each for each in loop.evaluator.metrics if hasattr(each, 'results2json'))


def data_set_of(metric: Any) -> DataSet:
    """What a metric that has evaluated knows of the data."""
    api = next(getattr(metric, name) for name in _APIS if getattr(metric, name, None) is not None)
    meta = metric.dataset_meta
    every = api.dataset
    images = set(getattr(metric, 'img_ids', None) or (each['id'] for each in every['images']))
    unused = () if getattr(metric, 'use_area', True) else ('area',)
    classes = set(getattr(metric, 'cat_ids', None) or (each['id'] for each in every['categories']))
    coco = {
        'images': [each for each in every['images'] if each['id'] in images],
        'categories': [each for each in every['categories'] if each['id'] in classes],
        'annotations': [
            {key: value for key, value in _textual(each).items() if key not in unused}
            for each in every['annotations']
            if each['category_id'] in classes
        ],
    }
    joints = tuple(meta.get('keypoint_id2name', {}).values())
    flips = meta.get('flip_indices') or ()
    swaps = tuple((joints[one], joints[other]) for one, other in enumerate(flips) if one < other)
    return DataSet(coco, joints, tuple(map(float, meta.get('sigmas', ()))), swaps)


def _textual(annotation: dict[str, Any]) -> dict[str, Any]:
    """An annotation as JSON has it: pycocotools replaces masks by runs in bytes."""
    mask = annotation.get('segmentation')
    if not isinstance(mask, dict) or not isinstance(mask['counts'], bytes):
        return annotation
    return {**annotation, 'segmentation': {**mask, 'counts': mask['counts'].decode()}}
