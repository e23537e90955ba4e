"""Remembers what the last validation of a round found."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmlth.engine.registry import HOOKS


@HOOKS.register_module()
class ResultHook(Hook):
    """Holds the metrics of the newest validation, and the iteration it came after."""

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.metrics: dict[str, float | None] = {}
        self.iteration = -1

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        self.metrics = plain_metrics(metrics or {})
        self.iteration = runner.iter


def plain_metrics(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """The numbers among the metrics of a validation; None for those that are not finite."""
    return {
        name: float(value) if np.isfinite(value) else None  # JSON has no NaN
        for name, value in metrics.items()
        if np.ndim(value) == 0 and not isinstance(value, str)
    }
