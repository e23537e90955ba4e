"""The checkpoint that a search starts from: ``load_from``."""

import functools
import os
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmlth.engine.configs import sha256_of
from mmlth.engine.errors import ANOTHER_WORK_DIR, LotteryError, one_line_if
from mmlth.engine.state.search import Search

_OPTION = '_mmlth_load_from'
"""The attribute of a config that keeps ``load_from`` as ``--cfg-options`` gave it."""


def remember_load_from() -> None:
    """Has configs remember the ``load_from`` that options give them.

    The training scripts set it to None where they resume, and a search that there is nothing of
    yet then starts from there. Calling it again changes nothing.
    """
    original = Config.merge_from_dict
    if hasattr(original, 'remembers'):
        return

    @functools.wraps(original)
    def merge_from_dict(self: Config, options: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        original(self, options, *args, **kwargs)
        if 'load_from' in options:
            keep_load_from(self, options['load_from'])

    merge_from_dict.remembers = True  # type: ignore[attr-defined]
    Config.merge_from_dict = merge_from_dict


def keep_load_from(config: Config, load_from: Any) -> None:
    """Has a config remember where a search starts that there is nothing of yet to resume.

    Args:
        config: The config; it gets no key for this.
        load_from: The checkpoint that the search starts from, a path or URL; None: none.
    """
    object.__setattr__(config, _OPTION, load_from)  # no key of the config


def given_checkpoint(runner: Runner) -> str | None:
    """The checkpoint that the user's config starts from, which ``--resume`` makes tools forget.

    A job script that always passes ``--resume`` starts a search that way, too.

    Args:
        runner: The user's Runner.

    Raises:
        LotteryError: If it is no string, or the file of the config cannot be read again.
    """
    given = _given(runner)
    if given is not None and not isinstance(given, (str, os.PathLike)):
        raise LotteryError(f'load_from must be the path or URL of a checkpoint, got {given!r}')
    return os.fspath(given) if given else None


def check_checkpoint(load_from: str | None) -> None:
    """Checks that the checkpoint is there, as far as it is in the local file system.

    Raises:
        LotteryError: If it is not; the message says the path and the remedy.
    """
    if load_from is None or '://' in load_from or Path(load_from).expanduser().is_file():
        return
    raise LotteryError(
        f'load_from does not exist or is no file: {load_from} (seen from {Path.cwd()}); put the '
        'checkpoint there, or set load_from in the config'
    )


def settle_checkpoint(search: Search, given: str | None) -> None:
    """Has a search start from the checkpoint that is given now, which may have moved.

    Args:
        search: The search, new or resumed.
        given: What `given_checkpoint` returned.

    Raises:
        LotteryError: If the search started from a checkpoint with another content, or round 0
            has to start and the checkpoint is not there.
    """
    state, paths = search.state, search.paths
    content = _hash(given)
    if state.load_from_sha256 and content and content != state.load_from_sha256:
        raise LotteryError(
            f'the search in {paths.work_dir} started from another checkpoint, {state.load_from}, '
            f'than load_from={given}, which holds something else; restore it, or give '
            f'{ANOTHER_WORK_DIR}'
        )
    if state.rounds:
        return
    if given:
        state.load_from, state.load_from_sha256 = given, content or state.load_from_sha256
    if not any(paths.round(0).glob('*.pth')):
        check_checkpoint(state.load_from)


def _hash(load_from: str | None) -> str | None:
    """SHA-256 of a checkpoint in the local file system; None where there is no such file."""
    if load_from is None or '://' in load_from:
        return None
    path = Path(load_from).expanduser()
    return sha256_of(path) if path.is_file() else None


def _given(runner: Runner) -> Any:
    if not runner._resume:
        return runner._load_from
    config = runner.cfg
    if config.get('load_from') is not None:
        return config.load_from
    if _OPTION in vars(config):
        return vars(config)[_OPTION]
    if not (config.filename and Path(config.filename).is_file()):
        return None
    with one_line_if(f'the config {config.filename} cannot be read again'):
        return Config.fromfile(config.filename).get('load_from')
