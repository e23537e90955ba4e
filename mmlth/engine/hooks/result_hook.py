"""Remembers what the last validation of a round found."""

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
        self.metrics = {
            name: float(value) if np.isfinite(value) else None  # JSON has no NaN
            for name, value in (metrics or {}).items()
            if np.ndim(value) == 0 and not isinstance(value, str)
        }
        self.iteration = runner.iter
