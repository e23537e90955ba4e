"""However a Runner with a ``lottery`` key is built, it searches, or says in one line why not."""

import copy
from pathlib import Path
from typing import ClassVar

import pytest
from kit import ticket_of
from mmengine.config import Config
from mmengine.dataset import DefaultSampler
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, RUNNERS
from mmengine.runner import FlexibleRunner, Runner
from torch.optim import SGD
from toy import ToyAccuracy, ToyDataset, ToyModel, toy_config

import mmlth
from mmlth.engine import LotteryError

OF_RUNNERS = (
    *('model', 'work_dir', 'train_dataloader', 'val_dataloader', 'train_cfg', 'val_cfg'),
    *('optim_wrapper', 'param_scheduler', 'val_evaluator', 'default_hooks', 'custom_hooks'),
    *('load_from', 'resume', 'log_level', 'default_scope', 'randomness', 'experiment_name'),
)


def short_config(work_dir, **changes):
    return toy_config(work_dir, **{'lottery.rounds': 1, **changes})


def arguments(cfg):
    return {key: cfg[key] for key in OF_RUNNERS if key in cfg}


@HOOKS.register_module(force=True)
class CountTrainings(Hook):
    """Counts how often it was called, by folder."""

    ends: ClassVar = []

    def after_train(self, runner):
        self.ends.append(Path(runner.work_dir).name)


@RUNNERS.register_module(force=True)
class OwnFromCfg(Runner):
    """Builds itself without MMEngine's ``from_cfg``, and has a hook that no config names."""

    @classmethod
    def from_cfg(cls, cfg):
        hooks = [*(cfg.get('custom_hooks') or []), {'type': 'CountTrainings'}]
        return cls(**{**arguments(cfg), 'custom_hooks': hooks}, cfg=cfg)


@RUNNERS.register_module(force=True)
class OwnInit(Runner):
    """Has a hook that no config names, and a way to train of its own."""

    trained = 0

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_hook({'type': 'CountTrainings'})

    def train(self):
        OwnInit.trained += 1
        return super().train()

    def launch(self):
        return Runner.train(self)


@RUNNERS.register_module(force=True)
class LosesItsConfig(Runner):
    """A Runner that does not tell MMEngine its config."""

    @classmethod
    def from_cfg(cls, cfg):
        return cls(**arguments(cfg))


@RUNNERS.register_module(force=True)
class NoRunner:
    """Trains, but is none of MMEngine's Runners."""

    @classmethod
    def from_cfg(cls, cfg):
        return cls()

    def train(self):
        raise AssertionError('this trains densely')


def searched(work_dir):
    return ticket_of(work_dir, 1).mask.sparsity > 0.7


def build_directly(cfg):
    return Runner(**arguments(cfg), cfg=cfg)


def build_from_dicts(cfg):
    plain = cfg.to_dict()
    return Runner(**copy.deepcopy(arguments(plain)), cfg=plain)


def build_by_position(cfg):
    rest = arguments(cfg)
    return Runner(rest.pop('model'), rest.pop('work_dir'), **rest, cfg=cfg)


def build_with_little_in_cfg(cfg):
    given = arguments(cfg.to_dict())
    given['optim_wrapper'] = {'optimizer': {'type': SGD, 'lr': 0.1}}
    given['train_dataloader']['sampler'] = {'type': DefaultSampler, 'shuffle': True}
    return Runner(**given, cfg=Config({'lottery': cfg.lottery}))


@pytest.mark.parametrize(
    'build',
    [
        build_directly,
        build_from_dicts,
        build_by_position,
        build_with_little_in_cfg,
        OwnFromCfg.from_cfg,
        OwnInit.from_cfg,
        RUNNERS.build,
        lambda cfg: RUNNERS.build({**cfg.to_dict(), 'runner_type': OwnFromCfg}),
        lambda cfg: Runner.from_cfg(cfg.to_dict()),
    ],
)
def test_every_way_to_build_a_runner_searches(tmp_path, build):
    build(short_config(tmp_path)).train()
    assert searched(tmp_path)


def test_rounds_are_what_a_runner_was_built_from_whatever_its_config_says(tmp_path):
    cfg = short_config(tmp_path)
    given = arguments(copy.deepcopy(cfg))
    given['train_cfg']['max_epochs'] = 2
    given['val_dataloader'] = given['val_cfg'] = given['val_evaluator'] = None
    Runner(**given, cfg=cfg._cfg_dict).train()
    names = {path.name for path in (tmp_path / 'round_01').glob('*.pth')}
    assert names == {'epoch_2.pth'}
    (dumped,) = tmp_path.glob('*.py')
    assert Config.fromfile(dumped).train_cfg.max_epochs == 2
    assert cfg.train_cfg.max_epochs == 3


@pytest.mark.parametrize('kind', [OwnFromCfg, OwnInit])
def test_rounds_are_of_the_same_kind_and_have_its_hooks_once(tmp_path, kind):
    OwnInit.trained, CountTrainings.ends[:] = 0, []
    kind.from_cfg(short_config(tmp_path)).train()
    assert CountTrainings.ends == ['round_00', 'round_01']
    assert OwnInit.trained == (2 if kind is OwnInit else 0)


def test_training_under_another_name_searches(tmp_path):
    OwnInit.from_cfg(short_config(tmp_path)).launch()
    assert searched(tmp_path)


def with_object(key, make):
    def build(cfg):
        return Runner(**{**arguments(cfg), key: make()}, cfg=cfg)

    return build


@pytest.mark.parametrize(
    ('build', 'message'),
    [
        (with_object('model', ToyModel), 'its model is or holds an object of type ToyModel'),
        (
            with_object('train_dataloader', lambda: {'batch_size': 4, 'dataset': ToyDataset()}),
            'its train_dataloader is or holds an object of type ToyDataset',
        ),
        (
            with_object('val_evaluator', lambda: [ToyAccuracy()]),
            'its val_evaluator is or holds an object of type ToyAccuracy',
        ),
        (lambda cfg: OwnInit(**arguments(cfg), cfg=cfg), r'build it by OwnInit.from_cfg\(cfg\)'),
        (lambda cfg: OwnFromCfg(**arguments(cfg), cfg=cfg), r'by OwnFromCfg.from_cfg\(cfg\)'),
        (
            lambda cfg: RUNNERS.build({**cfg.to_dict(), 'runner_type': 'LosesItsConfig'}),
            'LosesItsConfig does not tell Runner.__init__ its cfg',
        ),
        (
            lambda cfg: RUNNERS.build({**cfg.to_dict(), 'runner_type': 'NoRunner'}),
            "NoRunner is not one of MMEngine's Runners",
        ),
    ],
)
def test_what_cannot_search_says_so_as_it_would_train(tmp_path, build, message):
    runner = build(short_config(tmp_path))
    with pytest.raises(LotteryError, match=message) as caught:
        runner.train()
    assert '\n' not in str(caught.value)
    assert not (tmp_path / 'search.json').exists()
    assert not list(tmp_path.glob('**/*.pth'))


@pytest.mark.parametrize('kind', ['LosesItsConfig', 'NoRunner'])
def test_mmlth_never_trains_densely(tmp_path, kind):
    with pytest.raises(LotteryError, match=kind):
        mmlth.search(short_config(tmp_path, runner_type=kind))
    assert not list(tmp_path.glob('**/*.pth'))


def test_mmlth_searches_by_training_only(tmp_path):
    config = short_config(tmp_path / 'work')
    config.update(train_dataloader=None, train_cfg=None, optim_wrapper=None, param_scheduler=None)
    with pytest.raises(LotteryError, match='the config has no train_cfg'):
        mmlth.search(config)
    assert not (tmp_path / 'work').exists()


def for_tests(cfg):
    cfg.update(test_dataloader=cfg.val_dataloader, test_evaluator=cfg.val_evaluator, test_cfg={})
    return cfg


def test_what_only_tests_is_never_refused(tmp_path):
    config = for_tests(short_config(tmp_path, env_cfg={'dist_cfg': {'backend': 'nccl'}}))
    given = {**arguments(config), 'model': ToyModel()}
    given |= {key: config[key] for key in ('test_dataloader', 'test_evaluator', 'test_cfg')}
    expected = Runner.from_cfg(config).test().keys()
    assert Runner(**given, cfg=config).test().keys() == expected
    config.lottery = {'target_sparsity': 80}  # nothing to train, nothing to check
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'):
        given[key] = config[key] = None
    for kind in (Runner, FlexibleRunner):
        assert kind.from_cfg(config).test().keys() == expected
        runner = kind(**given, cfg=config)
        assert runner.test().keys() == expected
        assert 'train' not in vars(runner)


@pytest.mark.parametrize('lottery', [None, 'absent'])
def test_without_the_key_nothing_is_other_than_without_mmlth(tmp_path, lottery):
    config = short_config(tmp_path)
    config.lottery = None
    if lottery == 'absent':
        config.pop('lottery')
    for build in (Runner.from_cfg, build_directly, RUNNERS.build):
        assert 'train' not in vars(build(config))


def test_an_empty_key_is_a_search_by_default(tmp_path):
    runner = Runner.from_cfg(toy_config(tmp_path, lottery={'_delete_': True}))
    assert runner.train.settings.target_sparsity == 0.8
