"""The rounds of a search, as ``search.json`` records them."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict


class Round(TypedDict):
    """What a search records of one finished round; round 0 is the dense model."""

    round: int
    prunable: int
    kept: int
    parameters: int
    sparsity: float
    network_sparsity: float
    metrics: dict[str, float]
    seconds: float
    ticket: str


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
        raise ValueError(f'{path} does not record a search: {error!r}') from error
    if not isinstance(rounds, list):
        raise ValueError(f"{path} does not record a search: 'rounds' is not a list")
    return rounds


def metric_names(rounds: Sequence[Round]) -> list[str]:
    """Lists the metrics of all rounds in order of first appearance."""
    return list(dict.fromkeys(name for round_ in rounds for name in round_['metrics']))


def measured(round_: Round, metric: str) -> float | None:
    """Looks up a metric, or ``None`` where the round holds no measurement of it.

    pycocotools reports -1 where the data hold no object to measure (no small ones, say), so
    that -1 counts as no measurement, like NaN.
    """
    value = round_['metrics'].get(metric)
    if value is None or not math.isfinite(value) or value == -1:
        return None
    return float(value)
