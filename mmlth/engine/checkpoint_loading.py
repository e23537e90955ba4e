"""Reading training checkpoints without running code from them.

MMEngine 0.10.7 cannot resume its own checkpoints under torch ≥ 2.6, whose ``torch.load`` takes
only tensors and plain containers by default, while the message hub's history is made of
`HistoryBuffer` and NumPy arrays; the fork falls back to full unpickling. Here exactly these types
are allowed, whatever the stack. Two schemes make it available as ``load_from``:
``mmlth-resume:PATH`` (a checkpoint of MMEngine) and ``mmlth-rewind:PATH`` (a rewind file).
"""

import contextlib
import importlib
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader

from mmlth.engine.errors import LotteryError
from mmlth.engine.training_state import load_training_state

RESUME_SCHEME = 'mmlth-resume:'
REWIND_SCHEME = 'mmlth-rewind:'

_multiarray = importlib.import_module(
    'numpy._core.multiarray'
    if np.lib.NumpyVersion(np.__version__) >= '2.0.0'
    else 'numpy.core.multiarray'
)


def _history_statistic(owner: type, name: str) -> Callable[..., Any]:
    """Stands in for ``getattr``, by which a pickled `HistoryBuffer` names its own statistics."""
    if owner is not HistoryBuffer or name not in ('min', 'max', 'mean', 'current'):
        raise pickle.UnpicklingError(f'GLOBAL getattr({owner!r}, {name!r}) is not allowed')
    return getattr(HistoryBuffer, name)


# torch looks allowed functions up by these names.
_history_statistic.__module__ = 'builtins'
_history_statistic.__name__ = _history_statistic.__qualname__ = 'getattr'

_SAFE_TYPES = [
    HistoryBuffer,
    _history_statistic,
    np.ndarray,
    np.dtype,
    _multiarray._reconstruct,
    _multiarray.scalar,
    *{type(np.dtype(code)) for code in '?' + np.typecodes['AllInteger'] + np.typecodes['AllFloat']},
]


@contextlib.contextmanager
def _allowing(types: list[Any]) -> Iterator[None]:
    """Lets ``torch.load`` take these types too, for now; torch 2.4 has no such call."""
    before = torch.serialization.get_safe_globals()
    torch.serialization.add_safe_globals(types)
    try:
        yield
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def load_checkpoint_safely(path: str | Path) -> dict[str, Any]:
    """Reads a checkpoint of MMEngine onto the CPU.

    Raises:
        LotteryError: If the file is damaged, or holds objects of other types than tensors, NumPy
            arrays, plain containers and MMEngine's log history.
    """
    try:
        with _allowing(_SAFE_TYPES):
            return torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).strip().splitlines()
        named = next((line.strip() for line in reason if 'GLOBAL' in line), reason[0])
        raise LotteryError(f'{path} cannot be read safely: {named}') from error
    except (RuntimeError, EOFError, zipfile.BadZipFile) as error:
        raise LotteryError(f'{path} is damaged: {str(error).splitlines()[0]}') from error


@CheckpointLoader.register_scheme(prefixes=RESUME_SCHEME)
def load_from_interrupted_round(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Loader of `RESUME_SCHEME`; MMEngine logs what follows ``load_from_``."""
    return load_checkpoint_safely(filename.removeprefix(RESUME_SCHEME))


@CheckpointLoader.register_scheme(prefixes=REWIND_SCHEME)
def load_from_rewind_file(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Loader of `REWIND_SCHEME`."""
    return load_training_state(filename.removeprefix(REWIND_SCHEME))
