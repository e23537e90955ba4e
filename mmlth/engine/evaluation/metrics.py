"""What is a number among the metrics of a validation: MMEngine's evaluators may return anything."""

import math
import numbers
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from torch import Tensor


def number(value: Any) -> float | None:
    """A metric as a float; None for what is no single real number.

    Args:
        value: A number of Python, NumPy or torch, an array or tensor of no dimension, or whatever
            else an evaluator returned. NaN and infinity are numbers.
    """
    if isinstance(value, (Tensor, np.ndarray)):
        value = value.item() if value.ndim == 0 else None
    return float(value) if isinstance(value, (numbers.Real, np.bool_)) else None


def plain_metrics(metrics: Any) -> dict[str, float | None]:
    """The numbers among the metrics of a validation; None for those that are not finite.

    Args:
        metrics: What an evaluator returned. Numbers in dicts within are named as in
            ``'extra/recall'``.
    """
    values = {name: number(value) for name, value in _leaves(metrics)}
    # JSON has no NaN.
    return {n: v if math.isfinite(v) else None for n, v in values.items() if v is not None}


def no_numbers(metrics: Any) -> list[str]:
    """The names of the metrics that `plain_metrics` leaves out."""
    return [name for name, value in _leaves(metrics) if number(value) is None]


def _leaves(metrics: Any, prefix: str = '') -> Iterator[tuple[str, Any]]:
    for name, value in metrics.items() if isinstance(metrics, Mapping) else ():
        if isinstance(value, Mapping):
            yield from _leaves(value, f'{prefix}{name}/')
        else:
            yield f'{prefix}{name}', value
