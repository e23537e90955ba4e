"""Dashboards: one run a round, named after search and round, none of them open beside another."""

import pytest
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, VISBACKENDS
from mmengine.runner import Runner, ValLoop
from mmengine.visualization import BaseVisBackend, Visualizer
from mmengine.visualization.vis_backend import force_init_env
from toy import ITERATIONS_PER_EPOCH, toy_config

import mmlth
from mmlth.engine.errors import LotteryError
from mmlth.engine.training.dashboards import RUN_NAMES

RUNS = []


@VISBACKENDS.register_module(force=True)
class OneAtATime(BaseVisBackend):
    """Refuses a second open run, as W&B's process does; notes runs and what is logged."""

    def __init__(self, save_dir, init_kwargs=None):
        super().__init__(save_dir)
        self.name = (init_kwargs or {}).get('name')

    def _init_env(self):
        assert all(run['closed'] for run in RUNS), 'another run is open'
        self.run = {'name': self.name, 'closed': False, 'logged': []}
        RUNS.append(self.run)

    @property
    @force_init_env
    def experiment(self):
        return self.run

    @force_init_env
    def add_config(self, config, **kwargs):
        self.run['config'] = config

    @force_init_env
    def add_scalars(self, scalar_dict, step=0, file_path=None, **kwargs):
        assert not self.run['closed'], 'logged into a closed run'
        self.run['logged'] += list(scalar_dict)

    def close(self):
        if hasattr(self, 'run'):
            assert not self.run['closed'], 'closed twice, at which MLflow opens a run'
            self.run['closed'] = True


@pytest.fixture
def runs(monkeypatch):
    monkeypatch.setitem(RUN_NAMES, 'OneAtATime', RUN_NAMES['WandbVisBackend'])
    RUNS.clear()
    return RUNS


def config(work_dir, **backend):
    backends = [{'type': 'LocalVisBackend'}, {'type': 'OneAtATime', **backend}]
    # MMEngine hands out the visualizer that has a name already, whatever its back ends.
    name = f'visualizer of {work_dir}'
    visualizer = {'type': 'Visualizer', 'vis_backends': backends, 'name': name}
    return toy_config(work_dir, visualizer=visualizer)


@pytest.mark.parametrize(
    ('given', 'prefix'), [({}, 'my_search'), ({'init_kwargs': {'name': 'mine'}}, 'mine')]
)
def test_one_run_a_round(tmp_path, runs, given, prefix):
    runner = Runner.from_cfg(config(tmp_path / 'my_search', **given))
    assert runs == []  # building the Runner opens none
    runner.train()
    assert [run['name'] for run in runs] == [f'{prefix}_round_0{r}' for r in range(3)]
    assert all(run['closed'] for run in runs)
    assert all('toy/accuracy' in run['logged'] for run in runs)
    runner.val()  # goes into a run of its own, which has the config
    assert len(runs) == 4
    assert 'toy/accuracy' in runs[-1]['logged']
    assert all('config' in run for run in runs)


def test_branches_are_named_after_the_search_too(tmp_path, runs):
    mmlth.search(config(tmp_path / 'my_search'))
    runs.clear()
    mmlth.branch(tmp_path / 'my_search', 'random', tickets=[1])
    assert [run['name'] for run in runs] == ['my_search_random_round_01']


def test_a_round_that_fails_leaves_no_run_open(tmp_path, runs):
    broken = config(tmp_path / 'my_search')
    broken.lottery.rewind = '900it'
    with pytest.raises(LotteryError):
        Runner.from_cfg(broken).train()
    assert all(run['closed'] for run in runs)


def test_mmengine_has_these_back_ends():
    assert all(VISBACKENDS.get(name) is not None for name in RUN_NAMES)


class Killed(Exception):
    """Stands for a process that ends within a validation."""


def test_a_validation_that_is_made_up_for_is_logged_before_the_run_is_closed(
    tmp_path, runs, monkeypatch
):
    """As of a search that was killed in the last validation of a round."""
    validate = ValLoop.run

    def run_or_end(loop):
        if loop.runner.iter == 3 * ITERATIONS_PER_EPOCH and 'round_01' in loop.runner.work_dir:
            raise Killed
        return validate(loop)

    with monkeypatch.context() as patch:
        patch.setattr(ValLoop, 'run', run_or_end)
        with pytest.raises(Killed):
            Runner.from_cfg(config(tmp_path / 'my_search')).train()
    again = config(tmp_path / 'my_search')
    again.resume = True
    Runner.from_cfg(again).train()
    assert all(run['closed'] for run in runs)
    names = [run['name'] for run in runs]
    assert names == [f'my_search_round_0{number}' for number in (0, 1, 1, 2)]
    assert 'toy/accuracy' in runs[2]['logged']


@HOOKS.register_module(force=True)
class Draws(Hook):
    """Finds the visualizer as it is built, as MMDetection's DetVisualizationHook does."""

    def __init__(self):
        self.visualizer = Visualizer.get_current_instance()


@pytest.mark.parametrize('key', ['lottery', 'none'])
def test_hooks_find_the_visualizer_of_the_config(tmp_path, runs, key):
    """With the key as without, or pictures of `mim test --show-dir` would go nowhere."""
    cfg = config(tmp_path / 'my_search')
    cfg.custom_hooks = [{'type': 'Draws'}]
    cfg.visualizer.name = f'of {tmp_path}'  # MMEngine finds one of a former name again
    if key == 'none':
        cfg.pop('lottery')
    runner = Runner.from_cfg(cfg)
    (hook,) = [hook for hook in runner.hooks if isinstance(hook, Draws)]
    assert hook.visualizer is runner.visualizer
    assert list(runner.visualizer._vis_backends) == ['LocalVisBackend', 'OneAtATime']
    runner.visualizer.add_scalars({'drawn': 1})
    assert [run['logged'] for run in runs] == [['drawn']]
    assert 'config' in runs[0]
