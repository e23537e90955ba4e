"""Checkpoints of a search wherever MMEngine takes a file, as ``mim test`` and ``init_model`` do.

A round's checkpoint holds more than MMEngine 0.10.7 reads under torch ≥ 2.6 (see
`mmlth.engine.checkpoints.loading`). What MMEngine reads, it reads as ever; of the files that it
refuses these are read safely: those that a search wrote, and any for a Runner whose config has a
``lottery`` key.
"""

import contextlib
import functools
import os
import pickle
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from mmengine.runner import CheckpointLoader, Runner

from mmlth.engine.checkpoints.loading import load_checkpoint_safely, safe_types_allowed
from mmlth.engine.checkpoints.safe_types import to_builtin

RESUME_KEY = 'mmlth'
"""The key of a checkpoint under which `ResumeHook` keeps what a search adds to it."""

_for_lottery = ContextVar('_for_lottery', default=False)
"""Whether the Runner that loads now has a config with a ``lottery`` key."""


def install_own_checkpoints() -> None:
    """Makes MMEngine read checkpoints of a search. Calling it again changes nothing."""
    original = Runner.load_checkpoint
    if hasattr(original, 'reads_own_checkpoints'):
        return

    @functools.wraps(original)
    def load_checkpoint(self: Runner, *args: Any, **kwargs: Any) -> Any:
        with _loading_for(self):
            return original(self, *args, **kwargs)

    load_checkpoint.reads_own_checkpoints = True  # type: ignore[attr-defined]
    Runner.load_checkpoint = load_checkpoint
    # MMEngine's loader of local files, or one that a user's package has put in its place.
    local = CheckpointLoader._schemes['']
    CheckpointLoader.register_scheme('', _also_reading_own(local), force=True)


def _also_reading_own(read_as_ever: Callable[..., Any]) -> Callable[..., Any]:
    # MMEngine logs what follows load_from_ in the name of the loader.
    @functools.wraps(read_as_ever)
    def load(filename: str, map_location: Any = None) -> Any:
        try:
            return read_as_ever(filename, map_location)
        except pickle.UnpicklingError as refused:
            try:
                with safe_types_allowed():
                    checkpoint = to_builtin(read_as_ever(filename, map_location))
            except pickle.UnpicklingError:
                if _for_lottery.get():
                    # This says why it cannot be read safely.
                    return load_checkpoint_safely(os.path.expanduser(filename))
                raise refused from None
            if _for_lottery.get() or (isinstance(checkpoint, dict) and RESUME_KEY in checkpoint):
                return checkpoint
            raise

    return load


@contextlib.contextmanager
def _loading_for(runner: Runner) -> Iterator[None]:
    before = _for_lottery.set(runner.cfg.get('lottery') is not None)
    try:
        yield
    finally:
        _for_lottery.reset(before)
