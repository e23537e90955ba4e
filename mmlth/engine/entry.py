"""The one place where mmlth meets MMEngine's own code.

However a Runner is built — by ``from_cfg``, as ``tools/train.py`` of MMDetection and of MMPose do,
by a ``runner_type``, by a subclass in its own way, or directly — it passes ``Runner.__init__``.
`patch_runner` wraps that: a Runner whose config has a ``lottery`` key gets a ``train()`` that runs
a search; any other Runner is what it always was. ``lottery`` is checked before the Runner is built,
so before a file is written. What only tests is never refused for how it was built.
"""

import contextlib
import functools
import inspect
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODEL_WRAPPERS, RUNNERS
from mmengine.runner import FlexibleRunner, Runner
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

from mmlth.engine.checkpoints import install_own_checkpoints
from mmlth.engine.configs import (
    built_from,
    defaults,
    explaining_failed_downloads,
    without_modules,
)
from mmlth.engine.display import only_in_log
from mmlth.engine.errors import (
    LotteryError,
    explaining_missing_packages,
    show_lottery_errors_in_one_line,
)
from mmlth.engine.machine import explaining_full_disks, join_processes
from mmlth.engine.search import Report, run_search, train_ticket
from mmlth.engine.settings import Settings, parse_settings
from mmlth.engine.state import RunnerTraces, SearchPaths, remember_load_from
from mmlth.engine.tickets import install_ticket_loading
from mmlth.engine.training import opening_no_run


def patch_runner(report: Report) -> None:
    """Makes Runners whose config has a ``lottery`` key search. Calling it again changes nothing.

    Args:
        report: Makes the report after each round; passed in since reports build on this layer.
    """
    if hasattr(Runner.__init__, 'searches'):
        return
    Runner.__init__ = searching_init(Runner.__init__, report)
    Runner.train = searching_train(Runner.train)
    Runner.from_cfg = classmethod(searching_from_cfg(Runner.from_cfg.__func__))
    RUNNERS.build_func = _searching_build(RUNNERS.build_func)
    FlexibleRunner.__init__ = _refusing_init(FlexibleRunner.__init__)
    install_loading()


def install_loading() -> None:
    """Makes MMEngine read tickets, and remember where a search starts.

    Calling it again changes nothing.
    """
    remember_load_from()
    install_ticket_loading()
    install_own_checkpoints()


def check_searches(runner: Any) -> None:
    """Refuses to train densely.

    Raises:
        LotteryError: If ``train()`` of a Runner would not search.
    """
    if isinstance(vars(runner).get('train'), _Start):
        return
    kind = type(runner).__name__
    if not isinstance(runner, Runner):
        raise LotteryError(
            f"{kind} is not one of MMEngine's Runners, which are what searches; derive it from "
            'mmengine.runner.Runner, or remove the lottery key'
        )
    raise LotteryError(
        f'{kind} does not tell Runner.__init__ its cfg, so its lottery key would not be read; pass '
        'cfg=cfg on, or remove the lottery key'
    )


class _Start:
    """What ``train()`` of a Runner with a ``lottery`` key does."""

    def __init__(
        self, runner: Runner, settings: Settings, report: Report, traces: RunnerTraces
    ) -> None:
        self.runner, self.settings, self.report, self.traces = runner, settings, report, traces
        self.refusal: str | None = None

    def __call__(self) -> nn.Module:
        runner = self.runner
        if self.settings.ticket is None and self.refusal:
            with self.traces.taken_back_on_failure(runner):
                raise LotteryError(
                    'a search builds the Runner of each round anew, which it cannot do with this '
                    f'{type(runner).__name__}: {self.refusal}'
                )
        del runner.train  # a ticket is trained by the Runner's own
        try:
            with explaining_failed_downloads(runner.cfg):
                if self.settings.ticket is not None:
                    return train_ticket(runner, self.settings, self.traces)
                return run_search(runner, self.settings, self.report, self.traces)
        finally:
            runner.train = self


def searching_init(original: Any, report: Report) -> Any:
    """``Runner.__init__`` that gives a Runner whose config has a ``lottery`` key its own ``train``.

    Args:
        original: MMEngine's.
        report: Makes the report after each round.
    """
    signature, plain = inspect.signature(original), defaults(original)

    @functools.wraps(original)
    def init(self: Runner, *args: Any, **kwargs: Any) -> None:
        arguments = _with_lottery(signature, self, args, kwargs)
        if arguments is None:
            original(self, *args, **kwargs)
            return
        install_loading()
        cfg, refusal = built_from(self, arguments, plain)
        settings = parse_settings(cfg['lottery'], arguments.get('default_scope'))
        _refuse_sharding(cfg)
        _refuse_the_name_of_the_state(cfg)
        join_processes(cfg)
        work_dir = Path(arguments['work_dir'])
        traces = RunnerTraces(work_dir, cfg.filename)
        with (
            traces.taken_back_on_failure(),
            explaining_missing_packages('the config', cfg.filename),
            explaining_full_disks(work_dir),
            opening_no_run(self) if settings.ticket is None else contextlib.nullcontext(),
            only_in_log() if settings.progress else contextlib.nullcontext(),
        ):
            original(**{**arguments, 'cfg': _importing_mmlth(cfg)})
        self.train = _Start(self, settings, report, traces)
        self.train.refusal = refusal

    init.searches = True  # type: ignore[attr-defined]
    return init


def searching_train(original: Any) -> Any:
    """``Runner.train``, which a subclass may call under another name than ``train``."""

    @functools.wraps(original)
    def train(self: Runner) -> nn.Module:
        start = vars(self).get('train')
        return start() if isinstance(start, _Start) else original(self)

    return train


def searching_from_cfg(original: Any) -> Any:
    """``Runner.from_cfg`` that refuses to build a Runner which would train densely."""

    @functools.wraps(original)
    def from_cfg(cls: type[Runner], cfg: Any) -> Runner:
        if cfg.get('lottery') is None:
            return original(cls, cfg)
        return _never_dense(original(cls, without_modules(cfg)), cfg)

    from_cfg.searches = True  # type: ignore[attr-defined]
    return from_cfg


def _searching_build(original: Any) -> Any:
    """What builds ``runner_type``, which may have a ``from_cfg`` of its own."""

    @functools.wraps(original)
    def build(cfg: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(cfg, (Config, dict)) or cfg.get('lottery') is None:
            return original(cfg, *args, **kwargs)
        return _never_dense(original(without_modules(cfg), *args, **kwargs), cfg)

    return build


def _never_dense(runner: Any, cfg: Any) -> Any:
    """A Runner of a config with a ``lottery`` key; if it lost the key, ``train()`` says so."""
    if cfg.get('train_cfg') is not None and not isinstance(vars(runner).get('train'), _Start):
        show_lottery_errors_in_one_line()
        runner.train = functools.partial(check_searches, runner)
    return runner


def _refusing_init(original: Any) -> Any:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def init(self: FlexibleRunner, *args: Any, **kwargs: Any) -> None:
        if _with_lottery(signature, self, args, kwargs) is not None:
            raise LotteryError(
                'FlexibleRunner (FSDP, DeepSpeed, ColossalAI) is not supported: it shards the '
                "weights that a search masks; remove runner_type='FlexibleRunner' or the lottery "
                'key'
            )
        original(self, *args, **kwargs)

    return init


def _with_lottery(
    signature: inspect.Signature, runner: Any, args: Any, kwargs: Any
) -> dict[str, Any] | None:
    """The arguments of a Runner that can train and has a ``lottery`` key; None of others."""
    try:
        arguments = signature.bind(runner, *args, **kwargs).arguments
    except TypeError:
        return None  # which Python says better
    cfg = arguments.get('cfg')
    if not isinstance(cfg, (Config, dict)) or cfg.get('lottery') is None:
        return None
    if arguments.get('train_cfg') is None:
        return None
    show_lottery_errors_in_one_line()
    return arguments


def _refuse_sharding(cfg: Any) -> None:
    kind = (cfg.get('model_wrapper_cfg') or {}).get('type')
    kind = MODEL_WRAPPERS.get(kind) if isinstance(kind, str) else kind
    if isinstance(kind, type) and issubclass(kind, FullyShardedDataParallel):
        raise LotteryError(
            f'model_wrapper_cfg.type={kind.__name__!r} is not supported: it shards the weights '
            'that a search masks; use MMDistributedDataParallel, or remove the lottery key'
        )


def _refuse_the_name_of_the_state(cfg: Config) -> None:
    name = Path(cfg.filename or '').name
    if name == SearchPaths(Path()).state.name:
        raise LotteryError(
            f'the config {cfg.filename} cannot be searched by: MMEngine copies a config into '
            f'work_dir by its own name, where {name} is the state of the search; rename the config'
        )


def _importing_mmlth(cfg: Config) -> Config:
    """The config with mmlth in ``custom_imports``, so that its dump can be run again by itself."""
    imports = cfg.get('custom_imports') or {'imports': [], 'allow_failed_imports': False}
    # In configs of the newer style MMEngine does not look at it.
    if not isinstance(imports, dict):
        raise LotteryError(f"custom_imports must be like dict(imports=['mmlth']), got {imports!r}")
    modules = imports.get('imports') or []
    modules = [modules] if isinstance(modules, str) else modules
    if 'mmlth' not in modules:
        cfg['custom_imports'] = {**imports, 'imports': [*modules, 'mmlth']}
    return cfg
