"""Checkpoints that are either whole or not there, as all other files of a search are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.runner import Runner

from mmlth.engine.checkpoints.loading import load_checkpoint_safely
from mmlth.engine.errors import LotteryError
from mmlth.ticket import atomic_path, refused_code


def write_whole_checkpoints(runner: Runner, before: Callable[[Runner], None]) -> None:
    """Makes ``runner.save_checkpoint`` write under a temporary name, sync to disk and rename.

    MMEngine writes in place, so a kill or a full disk would leave half a checkpoint where a whole
    one was: the CheckpointHook writes that of a new best validation a second time. The first one
    is read again at once, before much is trained that could not be continued.

    Args:
        runner: A Runner that writes into its work_dir.
        before: Called by all processes just before the first one writes.
    """
    write = runner.save_checkpoint
    checked = False

    def save(out_dir: str, filename: str, *args: Any, **kwargs: Any) -> None:
        nonlocal checked
        before(runner)
        if is_main_process():
            with atomic_path(Path(out_dir, filename)) as temporary:
                write(out_dir, temporary.name, *args, **kwargs)
                if not checked:
                    _check(temporary)
                    checked = True

    runner.save_checkpoint = save


def _check(path: Path) -> None:
    try:
        load_checkpoint_safely(path)
    except LotteryError as error:
        code = isinstance(error.__cause__, Exception) and refused_code(error.__cause__)
        problem = f'it holds {code}, which cannot be read without running code' if code else error
        raise LotteryError(
            f'a checkpoint of this training could not be continued from: {problem}; leave that out '
            'of what hooks put into checkpoints'
        ) from error
