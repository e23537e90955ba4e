"""What a model finds in the images of a config, in COCO's format; found once, then kept."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import zstandard
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import METRICS, init_default_scope
from mmengine.runner import Runner

from mmlth.engine.data_check import check_annotations
from mmlth.engine.errors import LotteryError
from mmlth.engine.evaluation import Evaluation
from mmlth.engine.fingerprint import data_hash, settings_hash
from mmlth.engine.reading import read_config
from mmlth.quiet import quiet
from mmlth.ticket import Ticket, write_bytes
from mmlth.ticket.initial import weights_hash
from mmlth.wording import some

SPLITS = ('val', 'test')
KINDS = ('bbox', 'segm', 'keypoints')
_APIS = ('_coco_api', '_lvis_api', 'coco')
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class DataSet:
    """Images and the objects in them.

    Attributes:
        coco: ``images``, ``annotations`` and ``categories`` as in COCO's files; only the classes
            that the model knows. Without ``area`` where the config's metric goes by boxes instead
            (``use_area=False``).
        joints: Names of the keypoints; empty without keypoints.
        sigmas: Of each the standard deviation of its annotation, as a share of the object's size.
        swaps: Pairs of joints that mirror each other, such as both eyes.
    """

    coco: dict[str, Any]
    joints: tuple[str, ...] = ()
    sigmas: tuple[float, ...] = ()
    swaps: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Predictions:
    """What a model finds.

    Attributes:
        results: COCO results by kind: of `KINDS` those that the config evaluates.
        metrics: What the config's own evaluation says of them.
    """

    results: dict[str, list[dict[str, Any]]]
    metrics: dict[str, float | None]


class Predictor:
    """Finds the predictions of one model with any weights; what it found before it reads.

    Args:
        config: A file, a name or a config.
        folder: Where predictions are kept.
        split: ``val`` or ``test``.

    Raises:
        LotteryError: If the config says nothing of that split, its annotations are not on this
            machine, or it evaluates no objects.
    """

    def __init__(self, config: str | Path | Config, folder: str | Path, split: str = 'val') -> None:
        self.config = _of_split(read_config(config), split)
        self._folder = Path(folder)
        self._data = data_hash(self.config, self._folder)
        self._settings = settings_hash(self.config)
        self._evaluation: Evaluation | None = None
        # What MMEngine logs tells of this machine, and the folder may be passed on.
        self._logs = tempfile.TemporaryDirectory()

    def __call__(self, ticket: Ticket, tell: Told | None = None) -> tuple[Predictions, DataSet]:
        """What the model finds with the weights of a ticket, and what there is to find.

        Args:
            ticket: The weights; one of a dense model, too.
            tell: Told the batches that are done, and of how many.

        Raises:
            LotteryError: If the weights are of another model, or of other classes.
            TicketError: If the ticket holds no weights.
        """
        weights = ticket.state_dict()
        about = self._folder / f'data_{self._settings[:16]}_{self._data[:16]}.json.zst'
        name = f'{weights_hash(weights)[:16]}_{self._settings[:16]}_{self._data[:16]}.json.zst'
        kept = self._folder / name
        if not (kept.exists() and about.exists()):
            with quiet():
                predictions, data_set = self._predict(weights, tell)
            _write(about, asdict(data_set))
            _write(kept, asdict(predictions))
        stored = _read(about)
        swaps = tuple((first, second) for first, second in stored['swaps'])
        data_set = DataSet(stored['coco'], tuple(stored['joints']), tuple(stored['sigmas']), swaps)
        _check_same_classes(ticket, data_set)
        return Predictions(**_read(kept)), data_set

    def _predict(
        self, weights: Mapping[str, Any], tell: Told | None
    ) -> tuple[Predictions, DataSet]:
        with tempfile.TemporaryDirectory() as temporary:
            if self._evaluation is None:
                config = _evaluating_objects(self.config)
                self._evaluation = Evaluation(config, self._logs.name)
            runner = self._evaluation.runner
            metric = _coco_metric(runner)
            metric.outfile_prefix = str(Path(temporary, 'results'))
            hook = _Progress(tell)
            runner.register_hook(hook, priority='LOWEST')
            try:
                metrics = self._evaluation(weights)
            finally:
                runner._hooks.remove(hook)
                metric.outfile_prefix = None
            files = {kind: Path(temporary, f'results.{kind}.json') for kind in KINDS}
            results = {
                kind: json.loads(path.read_bytes()) for kind, path in files.items() if path.exists()
            }
        return Predictions(results, metrics), _data_set(metric)


def _check_same_classes(ticket: Ticket, data_set: DataSet) -> None:
    """By their names, where the ticket tells them: as many others would fit the weights.

    Not by the order of classes: the labels of MMDetection's COCO sets have that of the annotation
    file, whatever order a ticket or a config lists them in. Keypoints have no order but their own.
    """
    told = ticket.dataset_meta()
    meta = told if isinstance(told, Mapping) else {}  # of data sets with several lists of classes
    trained: Sequence[str] = meta.get('classes') or ()
    there: Sequence[str] = [each['name'] for each in data_set.coco['categories']]
    what = 'classes'
    if data_set.joints:
        what, trained = 'keypoints', tuple((meta.get('keypoint_id2name') or {}).values())
        there = data_set.joints
    same = list(trained) == list(there) if data_set.joints else set(trained) == set(there)
    if trained and not same:
        raise LotteryError(
            f'a model was trained on the {what} {some(trained)}, but the data set has '
            f'{some(there)}: take the config of this model, and models of one set of {what}'
        )


class _Progress(Hook):
    """Tells how far the evaluation is."""

    def __init__(self, tell: Told | None) -> None:
        self._tell = tell

    def after_val_iter(self, runner: Runner, batch_idx: int, *args: Any, **kwargs: Any) -> None:
        if self._tell is not None and runner.val_loop is not None:
            self._tell(batch_idx + 1, len(runner.val_loop.dataloader))


def _of_split(config: Config, split: str) -> Config:
    """A config that validates on this split."""
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


def _evaluating_objects(config: Config) -> Config:
    """A config one of whose metrics writes COCO results; MMDetection's and MMPose's own do."""
    scope = config.get('default_scope') or 'mmengine'
    init_default_scope(scope)
    evaluators = _metrics(config.val_evaluator)
    with METRICS.switch_scope_and_registry(scope) as registry:
        classes = [
            kind if isinstance(kind := each['type'], type) else registry.get(kind)
            for each in evaluators
        ]
    if any(hasattr(cls, 'results2json') for cls in classes):
        return config
    if scope not in ('mmdet', 'mmpose'):
        names = ', '.join(map(_type_name, evaluators))
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
    kind = _type_name(evaluator) if 'type' in evaluator else 'Evaluator'
    if kind != 'Evaluator':
        raise LotteryError(
            f'the config evaluates by a {kind}, but predictions are analysed on one data set at a '
            'time: give val_dataloader and val_evaluator of a single one, in a config with this '
            'one as _base_ and _delete_=True in both'
        )
    return _metrics(evaluator['metrics'])


def _type_name(settings: Any) -> str:
    kind = settings['type']
    return str(getattr(kind, '__name__', kind)).rpartition('.')[2]


def _pack_instances(value: Any) -> None:
    """Has pipelines pass on what MMDetection's CocoMetric makes ground truth of."""
    if isinstance(value, dict):
        if 'type' in value and _type_name(value) == 'PackDetInputs':
            default = ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')
            value['meta_keys'] = (*value.get('meta_keys', default), 'instances')
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for inner in value:
            _pack_instances(inner)


def _coco_metric(runner: Runner) -> Any:
    loop: Any = runner.val_loop
    found = [each for each in loop.evaluator.metrics if hasattr(each, 'results2json')]
    return found[0]


def _data_set(metric: Any) -> DataSet:
    """What a metric that has evaluated knows of the data."""
    told = next(getattr(metric, name) for name in _APIS if getattr(metric, name, None) is not None)
    meta = metric.dataset_meta
    every = told.dataset
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


def _write(path: Path, value: Any) -> None:
    write_bytes(path, zstandard.ZstdCompressor().compress(json.dumps(value).encode()))


def _read(path: Path) -> Any:
    return json.loads(zstandard.ZstdDecompressor().decompress(path.read_bytes()))
