"""Measures how long a round trains."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmlth.engine.checkpoints import RESUME_KEY
from mmlth.engine.machine import RunningTime


class RunningTimeHook(Hook):
    """Tells the seconds that a round took so far, those before an interruption included.

    For what does not count see `RunningTime`. Registered after a `ResumeHook`, with whose state
    the seconds are saved.
    """

    priority = 'HIGHEST'

    def __init__(self) -> None:
        self._time = RunningTime()
        self._before = 0.0

    @property
    def seconds(self) -> float:
        """Time spent on this round."""
        return self._before + self._time.seconds

    def before_train(self, runner: Runner) -> None:
        self._time.mark('training begins')

    def _before_epoch(self, runner: Runner, mode: str = 'train') -> None:
        self._time.mark(f'{mode} epoch begins')

    def _after_epoch(self, runner: Runner, mode: str = 'train') -> None:
        self._time.mark(f'{mode} epoch ends')

    def _before_iter(self, *args: Any, mode: str = 'train', **kwargs: Any) -> None:
        self._time.mark(f'{mode} iteration begins')

    def _after_iter(self, *args: Any, mode: str = 'train', **kwargs: Any) -> None:
        self._time.mark(f'{mode} iteration ends')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        self._time.mark('a checkpoint is written')
        checkpoint[RESUME_KEY]['seconds'] = self.seconds

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if runner._resume and RESUME_KEY in checkpoint:
            self._before = checkpoint[RESUME_KEY]['seconds']
