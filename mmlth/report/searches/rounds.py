"""The rounds of a search, as ``search.json`` records them."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict

from mmlth.messages import reason

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
    """What a search records of one finished round; round 0 is the dense model.

    With early-bird, how long it trained, and what ending it early saved, too: in iterations, and in
    epochs where its loop has them. In a control, the round whose ticket it changes. Of the dense
    model, the prunable parameters that its training left as they were.
    """

    of_round: int
    unmoved: list[str]
    iterations: int
    saved_iterations: int
    epochs: float
    saved_epochs: float


def read_rounds(work_dir: Path) -> list[Round]:
    """Reads the rounds that a search has finished so far.

    Args:
        work_dir: The work_dir of the search.

    Returns:
        The rounds in order; empty while round 0 still trains.

    Raises:
        FileNotFoundError: If there is no ``search.json``.
        ValueError: If it does not record a search.
    """
    path = Path(work_dir) / 'search.json'
    try:
        rounds = json.loads(path.read_text(encoding='utf-8'))['rounds']
    except FileNotFoundError:
        raise FileNotFoundError(
            f'{path} not found: is its folder the work_dir of a search?'
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path} does not record a search: {reason(error)}') from error
    if not isinstance(rounds, list):
        raise ValueError(f"{path} does not record a search: 'rounds' is not a list")
    return rounds


def metric_names(rounds: Sequence[Round]) -> list[str]:
    """Lists the metrics of all rounds in order of first appearance."""
    return list(dict.fromkeys(name for round_ in rounds for name in round_['metrics']))


def trained_unit(rounds: Sequence[Round]) -> Literal['epochs', 'iterations'] | None:
    """In what the rounds record how long they trained; None where they do not."""
    units: tuple[Literal['epochs', 'iterations'], ...] = ('epochs', 'iterations')
    return next((unit for unit in units if any(unit in round_ for round_ in rounds)), None)


def ticket_round(round_: Round) -> int:
    """The number of a round; of a control's, that of the round whose ticket it changes."""
    return round_.get('of_round', round_['round'])


def saved(round_: Round) -> int:
    """How many iterations early-bird saved in a round."""
    return round_.get('saved_iterations', 0)


def level(sparsity: float) -> float:
    """A sparsity to the digits by which rounds of other seeds and branches agree with it."""
    return round(sparsity, _PLACES)


def measured(round_: Round, metric: str) -> float | None:
    """Looks up a metric, or ``None`` where the round holds no measurement of it.

    pycocotools reports -1 where the data hold no object to measure (no small ones, say), so
    that -1 counts as no measurement, like NaN.
    """
    value = round_['metrics'].get(metric)
    if value is None or not math.isfinite(value) or value == -1:
        return None
    return float(value)
