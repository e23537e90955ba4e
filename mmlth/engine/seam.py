"""The one place where mmlth meets MMEngine's own code.

The ``tools/train.py`` of MMDetection and of MMPose both build their Runner by ``Runner.from_cfg``
(a ``runner_type`` in the config goes the same way) and then call its ``train()``. `install` wraps
``from_cfg``: a config with a ``lottery`` key gets a Runner whose ``train()`` runs a search; any
other config gets what it always got. ``lottery`` is checked before the Runner is built, so before
a file is written.
"""

import functools
from pathlib import Path
from typing import Any

from mmengine.registry import MODEL_WRAPPERS
from mmengine.runner import FlexibleRunner, Runner
from torch.distributed.fsdp import FullyShardedDataParallel

from mmlth.engine.errors import LotteryError, show_lottery_errors_in_one_line
from mmlth.engine.full_disk import explaining_full_disks
from mmlth.engine.missing_package import explaining_missing_packages
from mmlth.engine.processes import join_processes
from mmlth.engine.search import Report, run_search
from mmlth.engine.settings import parse_settings
from mmlth.engine.ticket_loading import install_ticket_loading
from mmlth.engine.ticket_training import train_ticket


def install(report: Report) -> None:
    """Makes configs with a ``lottery`` key run a search. Calling it again changes nothing.

    Args:
        report: Makes the report after each round; passed in since reports build on this layer.
    """
    original = Runner.__dict__['from_cfg'].__func__
    if hasattr(original, 'searches'):
        return

    @functools.wraps(original)
    def from_cfg(cls: type[Runner], cfg: Any) -> Runner:
        if cfg.get('lottery') is None:
            return original(cls, cfg)
        show_lottery_errors_in_one_line()
        settings = parse_settings(cfg['lottery'])
        _refuse_sharding(cfg)
        join_processes(cfg)
        with (
            explaining_missing_packages('the config', getattr(cfg, 'filename', None)),
            explaining_full_disks(Path(cfg.get('work_dir') or '.')),
        ):
            runner = original(cls, _importing_mmlth(cfg))
        if settings.ticket is not None:
            runner.train = functools.partial(train_ticket, runner, settings)
        else:
            runner.train = functools.partial(run_search, runner, settings, report)
        return runner

    from_cfg.searches = True  # type: ignore[attr-defined]
    Runner.from_cfg = classmethod(from_cfg)
    install_ticket_loading()

    refused = FlexibleRunner.__dict__['from_cfg'].__func__

    @functools.wraps(refused)
    def refuse(cls: type[FlexibleRunner], cfg: Any) -> FlexibleRunner:
        if cfg.get('lottery') is None:
            return refused(cls, cfg)
        show_lottery_errors_in_one_line()
        raise LotteryError(
            'FlexibleRunner (FSDP, DeepSpeed, ColossalAI) is not supported: it shards the weights '
            "that a search masks; remove runner_type='FlexibleRunner' or the lottery key"
        )

    FlexibleRunner.from_cfg = classmethod(refuse)


def _refuse_sharding(cfg: Any) -> None:
    kind = (cfg.get('model_wrapper_cfg') or {}).get('type')
    kind = MODEL_WRAPPERS.get(kind) if isinstance(kind, str) else kind
    if isinstance(kind, type) and issubclass(kind, FullyShardedDataParallel):
        raise LotteryError(
            f'model_wrapper_cfg.type={kind.__name__!r} is not supported: it shards the weights '
            'that a search masks; use MMDistributedDataParallel, or remove the lottery key'
        )


def _importing_mmlth(cfg: Any) -> Any:
    """The config with mmlth in ``custom_imports``, so that its dump can be run again by itself."""
    imports = dict(cfg.get('custom_imports') or {'imports': [], 'allow_failed_imports': False})
    modules = [imports['imports']] if isinstance(imports['imports'], str) else imports['imports']
    if 'mmlth' not in modules:
        cfg['custom_imports'] = {**imports, 'imports': [*modules, 'mmlth']}
    return cfg
