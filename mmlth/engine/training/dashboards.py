"""Dashboards such as W&B: a run for each round, none for the Runner that only leads the search."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.visualization import Visualizer

from mmlth.engine.configs import BRANCHES, type_name

RUN_NAMES = {
    'WandbVisBackend': 'init_kwargs.name',
    'MLflowVisBackend': 'run_name',
    'ClearMLVisBackend': 'init_kwargs.task_name',
    'NeptuneVisBackend': 'init_kwargs.name',
    'DVCLiveVisBackend': 'init_kwargs.exp_name',
    'AimVisBackend': 'init_kwargs.experiment',
}
"""The option that names a run, by back end of MMEngine. Others write into the round's folder."""
RUN_IDS = {'WandbVisBackend': 'init_kwargs.id'}
"""The option by which a back end would take several rounds for one run."""


def name_runs(config: Config, round_dir: Path) -> None:
    """Names the runs of a round, in place: after the search and the round, or as the user has it.

    Args:
        config: The config of a round; where its back ends are given a name, the round is added.
        round_dir: The round's folder.
    """
    visualizer = config.get('visualizer')
    if not isinstance(visualizer, dict):
        return
    backends = visualizer.get('vis_backends') or []
    for backend in [backends] if isinstance(backends, dict) else backends:
        if not isinstance(backend, dict):
            continue
        kind = type_name(backend)
        if option := RUN_NAMES.get(kind):
            _name(backend, option, round_dir, _search_name(round_dir))
        if option := RUN_IDS.get(kind):
            _name(backend, option, round_dir, None)


@contextlib.contextmanager
def closed_once(visualizer: Visualizer) -> Iterator[None]:
    """Closes the runs of a visualizer at the end, unless MMEngine's hook of logs has done so.

    A back end may open another run if it is closed again, as MLflow's does.

    Args:
        visualizer: The visualizer of a round.
    """
    close = visualizer.close
    closed: list[bool] = []

    def close_once() -> None:
        if not closed:
            closed.append(True)
            close()

    visualizer.close = close_once
    try:
        yield
    finally:
        visualizer.close()


@contextlib.contextmanager
def opening_no_run(runner: Runner) -> Iterator[None]:
    """While a Runner is built that leads a search, MMEngine opens no back end of its visualizer.

    The visualizer is the user's all the same, and hooks find it. Where something is logged or drawn
    later, as by ``runner.test()``, its back ends open a run.

    Args:
        runner: Not initialised yet.
    """
    build = runner.build_visualizer

    def build_unopened(visualizer: Any = None) -> Visualizer:
        built = build(visualizer)
        if built is visualizer:
            built.close()
        for backend in built._vis_backends.values():
            if hasattr(backend, '_init_env'):
                _open_with_config(backend, runner.cfg)
        built.add_config = lambda *args, **kwargs: None  # which MMEngine calls next
        return built

    runner.build_visualizer = build_unopened
    try:
        yield
    finally:
        del runner.build_visualizer
        vars(getattr(runner, 'visualizer', runner)).pop('add_config', None)


def _open_with_config(backend: Any, config: Config) -> None:
    """Has a back end open a run, once it is used, as MMEngine does: with the config."""

    def open_and_add() -> None:
        type(backend)._init_env(backend)
        backend._env_initialized = True
        backend.add_config(config)

    backend._init_env = open_and_add
    backend._env_initialized = False


def _name(backend: dict[str, Any], option: str, round_dir: Path, default: str | None) -> None:
    *outer, key = option.split('.')
    for part in outer:
        if backend.get(part) is None:
            backend[part] = {}
        backend = backend[part]
    name = backend.get(key) or default
    if name is not None:
        backend[key] = f'{name}_{round_dir.name}'


def _search_name(round_dir: Path) -> str:
    search = round_dir.absolute().parent
    if search.parent.name == BRANCHES:
        return f'{search.parent.parent.name}_{search.name}'
    return search.name
