"""Checkpoints of a search wherever MMEngine takes a file, as ``mim test`` and ``init_model`` do.

A round's checkpoint holds more than MMEngine 0.10.7 reads under torch ≥ 2.6 (see
`mmlth.engine.checkpoint_loading`). What MMEngine reads, it reads as ever; of the files that it
refuses these are read safely: those that a search wrote, and any for a Runner whose config has a
``lottery`` key.
"""

import contextlib
import functools
import os
import pickle
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from mmengine.runner import CheckpointLoader, Runner
from mmengine.runner.checkpoint import load_from_local as read_as_ever

from mmlth.engine.checkpoint_loading import load_checkpoint_safely, safe_types_allowed
from mmlth.engine.hooks.resume_hook import RESUME_KEY
from mmlth.engine.safe_types import plain

_for_lottery = ContextVar('_for_lottery', default=False)
"""Whether the Runner that loads now has a config with a ``lottery`` key."""


def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Loader of local files; MMEngine logs what follows ``load_from_``.

    Raises:
        LotteryError: For a Runner with a ``lottery`` key, if the file is not safe to read.
        pickle.UnpicklingError: For others, as MMEngine raises it.
    """
    try:
        return read_as_ever(filename, map_location)
    except pickle.UnpicklingError as refused:
        try:
            with safe_types_allowed():
                checkpoint = plain(read_as_ever(filename, map_location))
        except pickle.UnpicklingError:
            if _for_lottery.get():
                return load_checkpoint_safely(os.path.expanduser(filename))  # says why it cannot
            raise refused from None
        if _for_lottery.get() or (isinstance(checkpoint, dict) and RESUME_KEY in checkpoint):
            return checkpoint
        raise


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
    CheckpointLoader.register_scheme('', load_from_local, force=True)


@contextlib.contextmanager
def _loading_for(runner: Runner) -> Iterator[None]:
    before = _for_lottery.set(runner.cfg.get('lottery') is not None)
    try:
        yield
    finally:
        _for_lottery.reset(before)
