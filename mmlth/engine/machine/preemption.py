"""Signals that ask a search to stop: SIGTERM, and SIGUSR1, which Slurm can send ahead of it."""

import atexit
import multiprocessing
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

import torch
from mmengine.dist import get_world_size
from torch import distributed

from mmlth.engine.errors import Preempted

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Preemption:
    """While it is entered, these signals are noted rather than end the process.

    They are blocked as well, since child processes inherit that: Slurm signals the workers of data
    loaders too, whose death would end the iteration that is to be finished. A signal may still
    come by way of another thread, which calls the handler.

    Attributes:
        group: All processes, by gloo; None for a process alone.
    """

    def __init__(self) -> None:
        self._noted = False
        self._handlers: dict[int, Any] = {}
        self._mask: set[Any] = set()
        self.group: Any = None

    def __enter__(self) -> 'Preemption':
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, self._note) for number in SIGNALS}
            self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            atexit.unregister(_end_workers)
            atexit.register(_end_workers)
        if get_world_size() > 1:
            # On CPU, so that asking does not wait for the GPU.
            self.group = distributed.new_group(backend='gloo')
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Preempted):
            return  # the process ends: a launcher that ends the others must not change its code
        if self._handlers:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    @property
    def requested(self) -> bool:
        """Whether any process was asked to stop. All must ask at the same point of their work."""
        # In this order: another thread may take a pending signal in between, and have it noted.
        own = not signal.sigpending().isdisjoint(SIGNALS) or self._noted
        if self.group is None:
            return own
        of_all = torch.tensor(int(own))
        distributed.all_reduce(of_all, distributed.ReduceOp.MAX, self.group)
        return bool(of_all)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = True


def _end_workers() -> None:
    """Python ends workers by SIGTERM, which they have blocked, and would wait for them for ever."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch takes their death for a failure
    for child in multiprocessing.active_children():
        if child.daemon:
            child.kill()
