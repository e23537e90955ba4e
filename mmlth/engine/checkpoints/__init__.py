"""Checkpoints and the rewind file: found, read safely, written whole."""

from mmlth.engine.checkpoints.best_weights import check_best_is_saved, save_best_weights
from mmlth.engine.checkpoints.loading import (
    RESUME_SCHEME,
    REWIND_SCHEME,
    START_SCHEME,
    load_checkpoint_safely,
)
from mmlth.engine.checkpoints.metainfo import left_out, plain_hub, plain_metainfo
from mmlth.engine.checkpoints.newest import INTERRUPTED, newest_checkpoint
from mmlth.engine.checkpoints.own_checkpoints import RESUME_KEY, install_own_checkpoints
from mmlth.engine.checkpoints.rewind_file import load_training_state, save_training_state
from mmlth.engine.checkpoints.writing import write_whole_checkpoints

__all__ = [
    'INTERRUPTED',
    'RESUME_KEY',
    'RESUME_SCHEME',
    'REWIND_SCHEME',
    'START_SCHEME',
    'check_best_is_saved',
    'install_own_checkpoints',
    'left_out',
    'load_checkpoint_safely',
    'load_training_state',
    'newest_checkpoint',
    'plain_hub',
    'plain_metainfo',
    'save_best_weights',
    'save_training_state',
    'write_whole_checkpoints',
]
