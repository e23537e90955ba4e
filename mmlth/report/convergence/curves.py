"""The curves of a search: what MMEngine logged of each round while it trained."""

import json
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mmlth.analysis.networks import Measurement
from mmlth.engine.configs import BRANCHES
from mmlth.engine.rounds import TRAIN_LOSS as TRAIN_LOSS
from mmlth.engine.state import SearchPaths
from mmlth.report.searches import Round, Search, metric_names, ticket_round

VALIDATION_LOSS = 'val/loss'
Unit = Literal['epochs', 'iterations']


@dataclass(frozen=True)
class RoundCurves:
    """What was measured while one round trained.

    Attributes:
        index: The number of the round; 0 is the dense model.
        sparsity: Share of the prunable weights that is removed.
        points: The measurements by name, in order of position: `TRAIN_LOSS`, the mean of an epoch
            in loops that have them; `VALIDATION_LOSS` and the losses that it consists of, where the
            search computes it; the metrics.
        of_round: The round of the search whose ticket a control changes, else the same round.
    """

    index: int
    sparsity: float
    points: Mapping[str, Sequence[Measurement]]
    of_round: int


@dataclass(frozen=True)
class Curves:
    """What was measured while the rounds of a search trained.

    Positions are those in the training schedule: rounds that rewind start at the rewind step.

    Attributes:
        unit: The unit of the positions.
        rounds: The curves of the finished rounds, in order.
        metrics: Names of the metrics, in the order that the search records them.
    """

    unit: Unit
    rounds: Sequence[RoundCurves]
    metrics: Sequence[str]

    @property
    def names(self) -> list[str]:
        """All that was measured."""
        measured = {name for round_ in self.rounds for name in round_.points}
        losses = sorted(name for name in measured if name.startswith(VALIDATION_LOSS))
        return [name for name in (TRAIN_LOSS, *losses, *self.metrics) if name in measured]

    def dense(self, name: str) -> Sequence[Measurement]:
        """The points of the dense round; empty where there are none."""
        return self.rounds[0].points.get(name, ()) if self.rounds else ()

    def shows_progress(self, name: str) -> bool:
        """Whether a round was measured more than once."""
        return any(len(round_.points.get(name, ())) > 1 for round_ in self.rounds)


def read_curves(search: Search) -> Curves:
    """Reads ``round_NN/*/vis_data/scalars.json``, which MMEngine's LocalVisBackend writes.

    A round that was interrupted has a folder for each of its attempts. They are joined, and where
    an attempt repeats what one before had done, the later one counts.

    Args:
        search: A search, or a branch, whose dense round is that of its search.
    """
    rounds = search.rounds
    attempts = [
        [list(_lines(path)) for path in _files(search.work_dir, round_['round'])]
        for round_ in rounds
    ]
    # Loops without epochs are all within their first.
    epochs = [line.get('epoch', 0) for files in attempts for file in files for line in file]
    unit: Unit = 'epochs' if max(epochs, default=0) > 1 else 'iterations'
    metrics = metric_names(rounds)
    return Curves(
        unit,
        [_curves(round_, files, unit, metrics) for round_, files in zip(rounds, attempts)],
        metrics,
    )


def _files(work_dir: Path, index: int) -> list[Path]:
    """The log files of a round in order of time, which is that of their folders' names."""
    if index == 0 and work_dir.absolute().parent.name == BRANCHES:
        work_dir = work_dir.absolute().parents[1]  # a branch shares its search's dense round
    return sorted(SearchPaths(work_dir).round(index).glob('*/vis_data/scalars.json'))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding='utf-8').splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue  # a process was killed while it wrote
        if isinstance(record, dict):
            yield record


def _curves(
    round_: Round, attempts: Sequence[list[dict[str, Any]]], unit: Unit, metrics: Sequence[str]
) -> RoundCurves:
    losses: dict[int, tuple[float, float]] = {}  # by iteration the position and the loss
    points: dict[str, dict[float, float]] = {}
    for lines in attempts:
        trained: Mapping[str, Any] = {}
        for line in lines:
            if 'iter' in line:  # only what is logged while training has it
                trained = line
                loss = _number(line.get('loss', line.get(TRAIN_LOSS)))
                if loss is not None:
                    position = line['epoch'] if unit == 'epochs' else line['iter']
                    losses[line['iter']] = (float(position), loss)
                continue
            for name, value in _measured(line, metrics):
                points.setdefault(name, {})[_position(line, trained, unit)] = value
    if losses:
        points[TRAIN_LOSS] = _means(losses.values())
    curves = {name: sorted(values.items()) for name, values in points.items()}
    return RoundCurves(round_['round'], round_['sparsity'], curves, ticket_round(round_))


def _position(line: Mapping[str, Any], trained: Mapping[str, Any], unit: Unit) -> float:
    """Where a validation was: MMEngine counts its steps in epochs or iterations.

    Args:
        line: What it logged.
        trained: What the training logged last before it; empty where it is the first of a file.
        unit: What to count.
    """
    if unit == 'epochs':
        return float(trained.get('epoch', line.get('step', 0)))
    return float(max(line.get('step', 0), trained.get('iter', 0)))


def _measured(line: Mapping[str, Any], metrics: Sequence[str]) -> Iterator[tuple[str, float]]:
    for key, value in line.items():
        # MMEngine writes the prefix where it is told to log with hierarchy.
        name = key if key.startswith(VALIDATION_LOSS) else key.removeprefix('val/')
        # Of pycocotools -1 says that there was nothing to measure.
        wanted = name.startswith(VALIDATION_LOSS) or (name in metrics and value != -1)
        if wanted and (number := _number(value)) is not None:
            yield name, number


def _means(losses: Iterable[tuple[float, float]]) -> dict[float, float]:
    groups: dict[float, list[float]] = {}
    for position, loss in losses:
        groups.setdefault(position, []).append(loss)
    return {position: statistics.fmean(group) for position, group in groups.items()}


def _number(value: Any) -> float | None:
    """The value as float; None if it is no finite number."""
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
