"""The rounds of a search, as ``search.json`` records them."""

import math
from collections.abc import Sequence
from typing import Literal, TypedDict

_PLACES = 4  # the same sparsity of two seeds may differ by a weight


class _Always(TypedDict):
    round: int
    prunable: int
    kept: int
    parameters: int
    sparsity: float
    network_sparsity: float
    metrics: dict[str, float]
    seconds: float
    ticket: str


class Round(_Always, total=False):
    """What a search records of one finished round; round 0 is the dense model, see `is_dense`.

    The iteration that it ended at. With early-bird or ``round_length``, how long it trained, and
    with the former what ending it early saved, too: in iterations, and in epochs where its loop has
    them. In a control, the round whose ticket it changes. Of the dense
    model, the prunable parameters that its training left as they were. Where the search counts
    multiply-adds, those that the prunable weights take when dense, and those of the kept ones.
    """

    iter: int
    of_round: int
    unmoved: list[str]
    prunable_macs: int
    kept_macs: int
    iterations: int
    saved_iterations: int
    epochs: float
    saved_epochs: float


def is_dense(round_: Round) -> bool:
    """Whether a round keeps all weights; of a training by ``lottery.method`` none does."""
    return round_['kept'] == round_['prunable']


def metric_names(rounds: Sequence[Round]) -> list[str]:
    """Lists the metrics of all rounds in order of first appearance."""
    return list(dict.fromkeys(name for round_ in rounds for name in round_['metrics']))


def trained_unit(rounds: Sequence[Round]) -> Literal['epochs', 'iterations'] | None:
    """The unit in which the rounds record how long they trained; None where they do not."""
    units: tuple[Literal['epochs', 'iterations'], ...] = ('epochs', 'iterations')
    return next((unit for unit in units if any(unit in round_ for round_ in rounds)), None)


def ticket_round(round_: Round) -> int:
    """The number of a round; of a control's, that of the round whose ticket it changes."""
    return round_.get('of_round', round_['round'])


def saved(round_: Round) -> int:
    """How many iterations early-bird saved in a round."""
    return round_.get('saved_iterations', 0)


def macs_left(round_: Round) -> float | None:
    """The share of the prunable weights' multiply-adds that is left; None where none is counted."""
    if 'kept_macs' not in round_:
        return None
    return round_['kept_macs'] / round_['prunable_macs']


def agreed_sparsity(round_: Round) -> float:
    """The sparsity by which rounds of other seeds agree with it: of what the search counts."""
    left = macs_left(round_)
    return round_sparsity(round_['sparsity'] if left is None else 1 - left)


def round_sparsity(sparsity: float) -> float:
    """A sparsity to the digits by which rounds of other seeds and branches agree with it."""
    return round(sparsity, _PLACES)


def measured(round_: Round, metric: str) -> float | None:
    """Looks up a metric.

    pycocotools reports -1 where the data hold no object to measure (no small ones, say), so
    that -1 counts as no measurement, like NaN.

    Args:
        round_: The round.
        metric: The name of the metric.

    Returns:
        Its value; None where the round holds no measurement of it.
    """
    value = round_['metrics'].get(metric)
    if value is None or not math.isfinite(value) or value == -1:
        return None
    return float(value)
