"""Tells when a training has really begun."""

from collections.abc import Callable
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner


class BeginHook(Hook):
    """Calls a function once, after the first iteration: data, model and optimizer have worked.

    Args:
        begun: The function.
    """

    priority = 'HIGHEST'  # before the first checkpoint is written

    def __init__(self, begun: Callable[[], None]) -> None:
        self._begun: Callable[[], None] | None = begun

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if self._begun is not None:
            begun, self._begun = self._begun, None
            begun()
