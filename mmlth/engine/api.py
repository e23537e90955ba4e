"""What notebooks and the command line call: run a search, choose targets, by config or name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from torch import nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.paths import SearchPaths
from mmlth.engine.reading import build_model, read_config
from mmlth.engine.search import choose_targets
from mmlth.engine.search_state import load_state
from mmlth.engine.settings import parse_settings
from mmlth.pruning import Target

_EXCLUSIVE = {'rounds': 'rate', 'rate': 'rounds'}


def search(
    config: str | Path | Config,
    *,
    work_dir: str | Path | None = None,
    resume: bool = False,
    amp: bool = False,
    auto_scale_lr: bool = False,
    launcher: str = 'none',
    cfg_options: Mapping[str, Any] | None = None,
    **lottery: Any,
) -> list[dict[str, Any]]:
    """Runs a lottery-ticket search, as the packages' own training scripts do.

    Args:
        config: A file, a name such as ``mmdet::FOLDER/CONFIG.py``, or a config; with a
            ``lottery`` key or without.
        work_dir: Where to; by default the config's, else ``work_dirs/`` and the config's name.
        resume: Whether to continue a search that ``work_dir`` holds.
        amp: Whether to train with automatic mixed precision.
        auto_scale_lr: Whether to scale the learning rate with the batch size.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        cfg_options: Changes of the config by dotted key.
        **lottery: Changes of the ``lottery`` key, such as ``target_sparsity=0.9``.

    Returns:
        What ``search.json`` records of each round: sparsity, metrics, seconds, ticket, …

    Raises:
        LotteryError: On bad input.

    Example:
        >>> import mmlth
        >>> mmlth.search('mmdet::yolox/no_such_config.py')
        Traceback (most recent call last):
        mmlth.engine.errors.LotteryError: mmdet has no config 'yolox/no_such_config.py'; ...
    """
    cfg = _with_lottery(read_config(config, cfg_options), lottery)
    cfg.launcher = launcher
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(cfg.filename or 'search').stem))
    if amp:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.loss_scale = 'dynamic'
    if auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise LotteryError('auto_scale_lr needs the key auto_scale_lr.base_batch_size')
        cfg.auto_scale_lr.enable = True
    load_from = cfg.get('load_from')
    if resume:
        cfg.resume, cfg.load_from = True, None
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    runner.cfg.load_from = load_from  # where a search starts that there is nothing of to resume
    runner.train()
    state = load_state(SearchPaths(Path(runner.work_dir)))
    return state.rounds if state else []


def targets(
    config: str | Path | Config, cfg_options: Mapping[str, Any] | None = None, **lottery: Any
) -> tuple[list[Target], nn.Module]:
    """The weights that a search would prune, without data; takes seconds.

    Args:
        config: As for `search`.
        cfg_options: As for `search`.
        **lottery: As for `search`.

    Returns:
        The targets, and the model that they belong to, with random weights.

    Raises:
        LotteryError: On bad input, or if the model has no prunable weights.
    """
    cfg = _with_lottery(read_config(config, cfg_options), lottery)
    settings = parse_settings(cfg.lottery)
    model = build_model(cfg)
    return choose_targets(model, settings), model


def _with_lottery(config: Config, changes: Mapping[str, Any]) -> Config:
    lottery = dict(config.get('lottery') or {})
    for key, value in changes.items():
        lottery.pop(_EXCLUSIVE.get(key, ''), None)
        lottery[key] = value
    config.lottery = lottery
    return config
