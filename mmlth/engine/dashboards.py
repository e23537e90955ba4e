"""Dashboards such as W&B: a run for each round, none for the Runner that only leads the search."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.visualization import Visualizer

RUN_NAMES = {
    'WandbVisBackend': 'init_kwargs.name',
    'MLflowVisBackend': 'run_name',
    'ClearMLVisBackend': 'init_kwargs.task_name',
    'NeptuneVisBackend': 'init_kwargs.name',
    'DVCLiveVisBackend': 'init_kwargs.exp_name',
    'AimVisBackend': 'init_kwargs.experiment',
}
"""By back end of MMEngine the option that names a run. The others write into the round's folder."""
RUN_IDS = {'WandbVisBackend': 'init_kwargs.id'}
"""The option by which a back end would take several rounds for one run."""
_BRANCHES = 'branches'
_leaders = itertools.count()


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
        kind = _class_name(backend.get('type'))
        if option := RUN_NAMES.get(kind):
            _name(backend, option, round_dir, _search_name(round_dir))
        if option := RUN_IDS.get(kind):
            _name(backend, option, round_dir, None)


@contextlib.contextmanager
def closed_once(visualizer: Visualizer) -> Iterator[None]:
    """Closes the runs of a visualizer at the end, unless MMEngine's hook of logs has done so.

    A back end may open another run if it is closed again, as MLflow's does.

    Args:
        visualizer: Of a round.
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


def unopened(visualizer: Any, work_dir: Path) -> Visualizer:
    """What a Runner that leads a search is built with: MMEngine would open the back ends at once.

    Args:
        visualizer: What the Runner was to be given; one that is built already stays.
        work_dir: Of the search.
    """
    if isinstance(visualizer, Visualizer):
        return visualizer
    # MMEngine finds visualizers by class and name: the user's may have that of the experiment.
    return Visualizer.get_instance(f'search_{work_dir}_{next(_leaders)}')


def built_later(runner: Runner, visualizer: Any) -> Visualizer:
    """The visualizer that the user gave a Runner, none of its back ends open.

    Where something is logged or drawn after the search, as by ``runner.test()``, they open a run.

    Args:
        runner: The Runner, built with what `unopened` gives.
        visualizer: What it was to be given.
    """
    built = runner.build_visualizer(visualizer)
    if isinstance(visualizer, Visualizer):
        built.close()
    for backend in built._vis_backends.values():
        if hasattr(backend, '_init_env'):
            _open_with_config(backend, runner.cfg)
    return built


def _open_with_config(backend: Any, config: Config) -> None:
    """Has a back end open a run, once it is used, as MMEngine does: with the config."""
    open_run = backend._init_env

    def open_and_add() -> None:
        open_run()
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
    if search.parent.name == _BRANCHES:
        return f'{search.parent.parent.name}_{search.name}'
    return search.name


def _class_name(kind: Any) -> str:
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]
