"""Linear mode connectivity: how well the networks between two trained ones do.

Frankle et al., *Linear Mode Connectivity and the Lottery Ticket Hypothesis* (ICML 2020,
https://arxiv.org/abs/1912.05671). Two networks are linearly connected where the error does not rise
on the straight line between them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmlth.analysis.networks.metric_direction import lower_is_better
from mmlth.messages import join_names

Metrics = Mapping[str, float | None]
Evaluate = Callable[[dict[str, Tensor]], Metrics]


def interpolate(
    first: Mapping[str, Tensor], second: Mapping[str, Tensor], t: float
) -> dict[str, Tensor]:
    """The network at (1 − t) · first + t · second.

    Everything in floating point is interpolated, running statistics of norm layers included; what
    counts in whole numbers (``num_batches_tracked``) is taken from the nearer end. Statistics that
    are interpolated are not those that the network there has: where layers normalise by them, have
    them recomputed before it is judged, see `mmlth.engine.evaluation.evaluation.Evaluation`.

    Args:
        first: A state dict, tensors of any dtype by name.
        second: Another of the same names and shapes.
        t: The place between them, in [0, 1]; at 0 and 1 the result is ``first`` and ``second`` bit
            for bit.

    Returns:
        A state dict of new tensors in the order of ``first``; neither input is changed.

    Raises:
        ValueError: If names or shapes differ, or ``t`` is out of range.
    """
    if not 0 <= t <= 1:
        raise ValueError(f't must lie between 0 and 1, got {t}')
    _check_same(first, second)
    nearer = first if t < 0.5 else second
    return {
        name: torch.lerp(tensor, second[name].to(tensor), t)
        if tensor.is_floating_point() and 0 < t < 1
        else nearer[name].clone()
        for name, tensor in first.items()
    }


@dataclass(frozen=True)
class Connection:
    """Metrics along a line between two networks.

    Attributes:
        points: Where on the line, from 0 to 1.
        metrics: The values by metric, one a point; None where it was not measured.
    """

    points: tuple[float, ...]
    metrics: dict[str, tuple[float | None, ...]]

    def baseline(self, metric: str) -> tuple[float, ...] | None:
        """The straight line between the values at both ends; None where one is missing."""
        values = self.metrics[metric]
        start, end = values[0], values[-1]
        if start is None or end is None:
            return None
        return tuple((1 - t) * start + t * end for t in self.points)

    def drops(self, metric: str) -> tuple[float | None, ...]:
        """How much worse than on that straight line a metric is at each point.

        A metric that counts errors (``NME``, ``EPE``, ``MPJPE``, ``MAE``, a loss) is worse where it
        is higher, any other where it is lower.
        """
        line = self.baseline(metric)
        if line is None:
            return tuple(None for _ in self.points)
        sign = -1 if lower_is_better(metric) else 1
        return tuple(
            None if value is None else sign * (straight - value)
            for straight, value in zip(line, self.metrics[metric])
        )

    def barrier(self, metric: str) -> tuple[float, float] | None:
        """Height of the barrier, the largest drop, and where it is; None where an end is missing.

        At the ends nothing drops, so it is at least 0.
        """
        drops = [(drop, t) for drop, t in zip(self.drops(metric), self.points) if drop is not None]
        return max(drops, key=lambda each: (each[0], -each[1])) if drops else None


def connect(
    first: Mapping[str, Tensor],
    second: Mapping[str, Tensor],
    evaluate: Evaluate,
    points: int = 11,
    done: Callable[[float, Metrics], None] | None = None,
) -> Connection:
    """Evaluates the networks at even steps on the line between two.

    Args:
        first: A state dict; t = 0.
        second: Another of the same names and shapes; t = 1.
        evaluate: Finds the metrics of a state dict.
        points: The number of networks, both ends included, 2 or more.
        done: Told of each point once it is evaluated.

    Raises:
        ValueError: If names or shapes differ, or there are too few points.
    """
    if points < 2:
        raise ValueError(f'a line needs 2 points or more, got {points}')
    places = tuple(index / (points - 1) for index in range(points))
    measured: list[Metrics] = []
    for t in places:
        measured.append(evaluate(interpolate(first, second, t)))
        if done is not None:
            done(t, measured[-1])
    names: Sequence[str] = list(dict.fromkeys(name for each in measured for name in each))
    return Connection(places, {name: tuple(each.get(name) for each in measured) for name in names})


def _check_same(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
    lacking = [*(n for n in first if n not in second), *(n for n in second if n not in first)]
    if lacking:
        raise ValueError(
            f'only one of the networks has {join_names(lacking)}; a line needs two of one model'
        )
    shapes = [name for name in first if first[name].shape != second[name].shape]
    if shapes:
        raise ValueError(
            f'the networks differ in the shape of {join_names(shapes)}; a line needs two of one '
            'model'
        )
