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
from mmengine.runner import Runner

from mmlth.engine.configs import read_config
from mmlth.engine.errors import LotteryError
from mmlth.engine.evaluation.coco_metric import (
    DataSet,
    coco_metric,
    data_set_of,
    evaluating_objects,
    of_split,
)
from mmlth.engine.evaluation.evaluation import Evaluation
from mmlth.engine.evaluation.fingerprint import data_hash, settings_hash
from mmlth.messages import join_names
from mmlth.quiet import quiet
from mmlth.ticket import Ticket, weights_hash, write_bytes

PREDICTION_KINDS = ('bbox', 'segm', 'keypoints')


ProgressCallback = Callable[[int, int], None]


@dataclass(frozen=True)
class Predictions:
    """What a model finds.

    Attributes:
        results: COCO results by kind: of `PREDICTION_KINDS` those that the config evaluates.
        metrics: What the config's own evaluation says of them.
    """

    results: dict[str, list[dict[str, Any]]]
    metrics: dict[str, float | None]


class Predictor:
    """Finds the predictions of one model with any weights; what was predicted before is read.

    Args:
        config: A file, a name or a config.
        folder: Where predictions are kept.
        split: ``val`` or ``test``.

    Raises:
        LotteryError: If the config says nothing of that split, its annotations are not on this
            machine, or it evaluates no objects.
    """

    def __init__(self, config: str | Path | Config, folder: str | Path, split: str = 'val') -> None:
        self.config = of_split(read_config(config), split)
        self._folder = Path(folder)
        self._data = data_hash(self.config, self._folder)
        self._settings = settings_hash(self.config)
        self._evaluation: Evaluation | None = None
        # What MMEngine logs tells of this machine, and the folder may be passed on.
        self._logs = tempfile.TemporaryDirectory()

    def __call__(
        self, ticket: Ticket, progress: ProgressCallback | None = None
    ) -> tuple[Predictions, DataSet]:
        """What the model finds with the weights of a ticket, and what there is to find.

        Args:
            ticket: The weights; one of a dense model, too.
            progress: Called with the number of batches that are done, and of how many.

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
                predictions, data_set = self._predict(weights, progress)
            _write(about, asdict(data_set))
            _write(kept, asdict(predictions))
        stored = _read(about)
        swaps = tuple((first, second) for first, second in stored['swaps'])
        data_set = DataSet(stored['coco'], tuple(stored['joints']), tuple(stored['sigmas']), swaps)
        _check_same_classes(ticket, data_set)
        return Predictions(**_read(kept)), data_set

    def _predict(
        self, weights: Mapping[str, Any], progress: ProgressCallback | None
    ) -> tuple[Predictions, DataSet]:
        with tempfile.TemporaryDirectory() as temporary:
            if self._evaluation is None:
                config = evaluating_objects(self.config)
                self._evaluation = Evaluation(config, self._logs.name)
            runner = self._evaluation.runner
            metric = coco_metric(runner)
            metric.outfile_prefix = str(Path(temporary, 'results'))
            hook = _Progress(progress)
            runner.register_hook(hook, priority='LOWEST')
            try:
                metrics = self._evaluation(weights)
            finally:
                runner._hooks.remove(hook)
                metric.outfile_prefix = None
            files = {kind: Path(temporary, f'results.{kind}.json') for kind in PREDICTION_KINDS}
            results = {
                kind: json.loads(path.read_bytes()) for kind, path in files.items() if path.exists()
            }
        return Predictions(results, metrics), data_set_of(metric)


def _check_same_classes(ticket: Ticket, data_set: DataSet) -> None:
    """Compares names, where the ticket tells them: as many others would fit the weights.

    The order of classes does not count: the labels of MMDetection's COCO sets have that of the
    annotation file, whatever order a ticket or a config lists them in. Keypoints have no order but
    their own.
    """
    meta = ticket.dataset_meta()
    meta = meta if isinstance(meta, Mapping) else {}  # of data sets with several lists of classes
    trained: Sequence[str] = meta.get('classes') or ()
    there: Sequence[str] = [each['name'] for each in data_set.coco['categories']]
    what = 'classes'
    if data_set.joints:
        what, trained = 'keypoints', tuple((meta.get('keypoint_id2name') or {}).values())
        there = data_set.joints
    same = list(trained) == list(there) if data_set.joints else set(trained) == set(there)
    if trained and not same:
        raise LotteryError(
            f'a model was trained on the {what} {join_names(trained)}, but the data set has '
            f'{join_names(there)}: take the config of this model, and models of one set of {what}'
        )


class _Progress(Hook):
    """Tells how far the evaluation is."""

    def __init__(self, progress: ProgressCallback | None) -> None:
        self._progress = progress

    def after_val_iter(self, runner: Runner, batch_idx: int, *args: Any, **kwargs: Any) -> None:
        if self._progress is not None and runner.val_loop is not None:
            self._progress(batch_idx + 1, len(runner.val_loop.dataloader))


def _write(path: Path, value: Any) -> None:
    write_bytes(path, zstandard.ZstdCompressor().compress(json.dumps(value).encode()))


def _read(path: Path) -> Any:
    return json.loads(zstandard.ZstdDecompressor().decompress(path.read_bytes()))
