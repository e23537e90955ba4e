"""Reading training checkpoints without running code from them.

MMEngine 0.10.7 cannot resume its own checkpoints under torch ≥ 2.6, whose ``torch.load`` takes
only tensors and plain containers by default, while the message hub's history is made of
`HistoryBuffer` and NumPy arrays; the fork falls back to full unpickling. Here exactly these types
are allowed, whatever the stack; see `mmlth.engine.checkpoints.safe_types`. Schemes make it
available as ``load_from``: ``mmlth-resume:PATH`` (an interrupted round), ``mmlth-rewind:PATH`` (a
rewind file) and ``mmlth-start:PATH`` (pre-trained weights).
"""

import contextlib
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import load_from_local

from mmlth.engine.checkpoints.rewind_file import load_training_state
from mmlth.engine.checkpoints.safe_types import SAFE_TYPES, to_builtin
from mmlth.engine.errors import DamagedCheckpointError, LotteryError
from mmlth.ticket import refused_code, unreadable

RESUME_SCHEME = 'mmlth-resume:'
REWIND_SCHEME = 'mmlth-rewind:'
START_SCHEME = 'mmlth-start:'

_OF_DAMAGED_FILES = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    zipfile.BadZipFile,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
)


@contextlib.contextmanager
def safe_types_allowed() -> Iterator[None]:
    """Lets ``torch.load`` take `SAFE_TYPES` too, for now; torch 2.4 has no such call.

    What it returns then goes through `mmlth.engine.checkpoints.safe_types.to_builtin`.
    """
    before = torch.serialization.get_safe_globals()
    torch.serialization.add_safe_globals(SAFE_TYPES)
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def load_checkpoint_safely(path: str | Path) -> dict[str, Any]:
    """Reads a checkpoint of MMEngine onto the CPU.

    Raises:
        DamagedCheckpointError: If the file is damaged, or no checkpoint.
        LotteryError: If it holds objects of other types than tensors, NumPy arrays, plain
            containers and MMEngine's log history.
    """
    try:
        with safe_types_allowed():
            return to_builtin(torch.load(path, map_location='cpu', weights_only=True))
    except _OF_DAMAGED_FILES as error:
        kind = LotteryError if refused_code(error) else DamagedCheckpointError
        raise kind(unreadable(path, error)) from error


@CheckpointLoader.register_scheme(prefixes=RESUME_SCHEME)
def load_from_interrupted_round(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Loader of `RESUME_SCHEME`; MMEngine logs what follows ``load_from_``."""
    return load_checkpoint_safely(filename.removeprefix(RESUME_SCHEME))


@CheckpointLoader.register_scheme(prefixes=START_SCHEME)
def load_from_file(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Loader of `START_SCHEME`: as the stack reads a file, or safely where it cannot."""
    path = filename.removeprefix(START_SCHEME)
    try:
        return load_from_local(path, map_location)
    except pickle.UnpicklingError:
        return load_checkpoint_safely(path)


@CheckpointLoader.register_scheme(prefixes=REWIND_SCHEME)
def load_from_rewind_file(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Loader of `REWIND_SCHEME`."""
    return load_training_state(filename.removeprefix(REWIND_SCHEME))
