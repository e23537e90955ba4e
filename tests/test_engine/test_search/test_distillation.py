"""Searches whose dense round teaches the others: recorded, resumed, branched, refused, left out."""

import argparse
import json
import re
from collections import defaultdict

import pytest
import torch
from kit import record, search_by, shapes_options, ticket_bytes, ticket_of
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from poses import POSE
from repository import DEMO
from taught import TaughtModel
from toy import toy_config

import mmlth
from mmlth import LotteryError, load_ticket
from mmlth.data import KEYPOINTS, make_shapes
from mmlth.engine import read_config
from mmlth.engine.distillation import LOSS
from mmlth.engine.hooks import DistilHook
from mmlth.engine.settings import parse_settings
from mmlth_cli.main import COMMANDS

seen = defaultdict(list)
"""The losses of each iteration, by the folder of the round."""


class KilledError(BaseException):
    """Stands for SIGKILL."""


@HOOKS.register_module(force=True)
class RoundLosses(Hook):
    def before_run(self, runner):
        seen[runner.work_dir].clear()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        seen[runner.work_dir].append(set(outputs))


def config_of(work_dir, resume=False, **lottery):
    config = toy_config(work_dir, resume=resume)
    config.model = {'type': TaughtModel.__name__}
    config.custom_hooks = [{'type': 'RoundLosses'}]
    config.lottery = {'target_sparsity': 0.75, 'rounds': 2, **lottery}
    return config


def search(work_dir, resume=False, **lottery):
    return search_by(config_of(work_dir, resume, **lottery))


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('plain') / 'work'
    search(work_dir)
    return work_dir


@pytest.fixture(scope='module')
def taught(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('taught') / 'work'
    search(work_dir, distil=0.5)
    return work_dir


def weights(work_dir, number):
    return ticket_of(work_dir, number).state_dict()


def test_round_0_teaches_all_others(plain, taught, monkeypatch):
    for number in range(3):
        rounds = seen[str(taught / f'round_{number:02d}')]
        assert [LOSS in losses for losses in rounds] == [number > 0] * len(rounds)
    assert len(seen[str(taught / 'round_01')]) == 12
    # The dense round is the same, and so is the mask that follows; the training under it is not.
    for name, value in weights(plain, 0).items():
        assert torch.equal(value, weights(taught, 0)[name])
    assert ticket_of(plain, 1).mask == ticket_of(taught, 1).mask
    assert not torch.equal(weights(plain, 1)['conv.weight'], weights(taught, 1)['conv.weight'])


def test_the_teacher_is_the_ticket_of_round_0(tmp_path, monkeypatch):
    teachers = []
    begin = DistilHook.before_train

    def spied(self, runner):
        assert (self.weight, self.temperature) == (0.5, 1.0)
        teachers.append(
            (self.path, {k: v.clone() for k, v in self._taught[0].state_dict().items()})
        )
        begin(self, runner)

    monkeypatch.setattr(DistilHook, 'before_train', spied)
    search(tmp_path, distil=0.5, rounds=2)
    dense = weights(tmp_path, 0)
    assert len(teachers) == 2
    for path, state in teachers:
        assert path == tmp_path / 'tickets/round_00.safetensors'
        assert state.keys() == dense.keys()
        assert all(torch.equal(state[name], dense[name]) for name in dense)


def test_tickets_and_checkpoints_have_nothing_more(plain, taught):
    for number in range(3):
        assert weights(plain, number).keys() == weights(taught, number).keys()
    files = [
        torch.load(next(run.glob('round_02/epoch_3.pth')), weights_only=False)
        for run in (plain, taught)
    ]
    assert files[0].keys() == files[1].keys()
    assert files[0]['state_dict'].keys() == files[1]['state_dict'].keys()
    assert len(files[0]['optimizer']['state']) == len(files[1]['optimizer']['state'])


def test_it_is_recorded_where_it_is_asked_for(plain, taught):
    assert 'distil' not in json.dumps(record(plain))
    assert 'distil' not in json.dumps(ticket_of(plain, 1).info)
    assert record(taught)['config']['lottery']['distil'] == 0.5
    assert ticket_of(taught, 1).info['config']['lottery']['distil'] == 0.5


@pytest.mark.parametrize('kill', [(1, 9), (2, 13)], ids=lambda at: f'round {at[0]}')
def test_a_search_that_is_killed_ends_with_the_same_bytes(tmp_path, taught, monkeypatch, kill):
    original = RoundLosses.after_train_iter

    def die(self, runner, *args, **kwargs):
        if runner.work_dir.endswith(f'round_{kill[0]:02d}') and runner.iter == kill[1]:
            raise KilledError
        original(self, runner, *args, **kwargs)

    config = config_of(tmp_path, distil=0.5)
    config.default_hooks.checkpoint.update(by_epoch=False, interval=4)
    monkeypatch.setattr(RoundLosses, 'after_train_iter', die)
    with pytest.raises(KilledError):
        search_by(config)
    monkeypatch.undo()
    config = config_of(tmp_path, resume=True, distil=0.5)
    config.default_hooks.checkpoint.update(by_epoch=False, interval=4)
    search_by(config)
    mine, whole = ticket_bytes(tmp_path), ticket_bytes(taught)
    assert mine.keys() == whole.keys()
    for number in range(3):
        first, second = weights(tmp_path, number), weights(taught, number)
        assert all(torch.equal(first[name], second[name]) for name in second)
    assert mine == whole


def test_another_weight_is_another_search(taught):
    before = ticket_bytes(taught)
    with pytest.raises(LotteryError, match=r'lottery\.distil: 0\.5 → 0\.7'):
        search(taught, resume=True, distil=0.7)
    with pytest.raises(LotteryError, match=r'lottery\.distil: 0\.5 → absent'):
        search(taught, resume=True)
    assert ticket_bytes(taught) == before


def test_branches(plain, taught, tmp_path):
    """A branch may have a teacher or none; a control has what its search has."""
    rounds = mmlth.branch(plain, name='taught', distil=0.5)
    assert len(rounds) == 3
    folder = plain / 'branches/taught'
    assert record(folder)['config']['lottery']['distil'] == 0.5
    for number in (1, 2):  # as if the whole search had been asked to
        for name, value in weights(taught, number).items():
            assert torch.equal(value, weights(folder, number)[name])
    mmlth.branch(taught, 'random', tickets=[2])
    losses = seen[str(taught / 'branches/random/round_01')]
    assert losses
    assert all(LOSS in each for each in losses)


@pytest.mark.parametrize(
    ('given', 'recorded', 'used'),
    [
        (2, 2.0, {'weight': 2.0, 'temperature': 1.0}),
        ({'weight': 0.5}, 0.5, {'weight': 0.5, 'temperature': 1.0}),
        ({'weight': 0.5, 'temperature': 1}, 0.5, {'weight': 0.5, 'temperature': 1.0}),
        (
            {'temperature': 2, 'weight': 0.5},
            {'weight': 0.5, 'temperature': 2.0},
            {'weight': 0.5, 'temperature': 2.0},
        ),
    ],
)
def test_one_setting_is_recorded_alike_however_it_is_said(given, recorded, used):
    settings = parse_settings({'distil': given})
    assert settings.distil == settings.to_dict()['distil'] == recorded
    assert settings.distillation == used


@pytest.mark.parametrize(
    ('text', 'value'),
    [('0.5', 0.5), ('0.5,temperature=2', {'weight': 0.5, 'temperature': 2}), ('much', 'much')],
)
def test_on_the_command_line(text, value):
    parser = argparse.ArgumentParser()
    COMMANDS['train'].add_arguments(parser)
    options = parser.parse_args(['config.py', '--distil', text])
    assert options.lottery == {'distil': value}


def test_two_teachers_are_refused(tmp_path, plain):
    config = config_of(tmp_path, distil=0.5)
    hook = {'type': 'mmlth.DistilHook', 'teacher': str(plain / 'tickets/round_00.safetensors')}
    config.custom_hooks.append(hook)
    with pytest.raises(LotteryError, match='are two teachers; leave one of them out'):
        search_by(config)
    assert not (tmp_path / 'round_00').exists()


@pytest.mark.parametrize(
    ('lottery', 'model', 'message'),
    [
        ({'distil': 0.5}, 'ToyModel', 'distillation does not teach ToyModel'),
        (
            {'distil': {'weight': 0.5, 'temperature': 2.0}},
            'TaughtModel',
            'a temperature softens probabilities, of which HeatmapHead gives none',
        ),
    ],
)
def test_what_cannot_be_taught_is_refused_before_any_training(tmp_path, lottery, model, message):
    config = config_of(tmp_path, **lottery)
    config.model = {'type': model}
    with pytest.raises(LotteryError, match=re.escape(message)) as raised:
        search_by(config)
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'search.json').exists()
    assert not (tmp_path / 'round_00').exists()


def test_a_ticket_alone_has_no_round_0(tmp_path, plain):
    ticket = str(plain / 'tickets/round_02.safetensors')
    with pytest.raises(LotteryError, match=r'leave distil out, and name the teacher by'):
        search_by(config_of(tmp_path, ticket=ticket, distil=0.5))
    assert load_ticket(ticket)


def detector(root, work_dir):
    config = read_config(DEMO, shapes_options(root))
    config.train_cfg.max_epochs = 2
    config.train_dataloader.batch_size = 2
    config.lottery = {
        'rounds': 1,
        'target_sparsity': 0.5,
        'distil': {'weight': 1, 'temperature': 2},
    }
    return config


def pose_estimator(root, work_dir):
    file = work_dir.parent / 'pose.py'
    file.write_text(POSE.format(keypoints=list(KEYPOINTS), root=root))
    config = read_config(file)
    config.train_dataloader.batch_size = 4
    # Small enough to be written after each iteration.
    config.model.backbone.base_channels = 8
    config.model.head.update(in_channels=64, deconv_out_channels=(8, 8, 8))
    config.lottery = {'rounds': 1, 'target_sparsity': 0.5, 'distil': 0.5}
    return config


@pytest.mark.parametrize('kind', [detector, pose_estimator], ids=lambda kind: kind.__name__)
def test_models_of_the_packages(tmp_path, kind, monkeypatch):
    """From their own data; and resumed within the round that is taught, to the same bytes."""
    root = tmp_path / 'shapes'
    make_shapes(root, train=4, val=2)

    def config_in(name, resume=False):
        config = kind(root, tmp_path / name)
        config.work_dir, config.resume = str(tmp_path / name), resume
        config.custom_hooks = [{'type': 'mmengine.RoundLosses'}]
        config.default_hooks.checkpoint = {
            'type': 'CheckpointHook',
            'interval': 1,
            'by_epoch': False,
        }
        config.visualizer = {'type': 'Visualizer', 'vis_backends': []}
        config.randomness = {'seed': 0}
        return config

    search_by(config_in('whole'))
    rounds = [seen[str(tmp_path / f'whole/round_{number:02d}')] for number in (0, 1)]
    assert all(rounds)
    assert not any(LOSS in losses for losses in rounds[0])
    assert all(LOSS in losses for losses in rounds[1])
    assert weights(tmp_path / 'whole', 0).keys() == weights(tmp_path / 'whole', 1).keys()
    original = RoundLosses.after_train_iter

    def die(self, runner, *args, **kwargs):
        if runner.work_dir.endswith('round_01') and runner.iter == runner.max_iters - 1:
            raise KilledError
        original(self, runner, *args, **kwargs)

    monkeypatch.setattr(RoundLosses, 'after_train_iter', die)
    with pytest.raises(KilledError):
        search_by(config_in('halves'))
    monkeypatch.undo()
    search_by(config_in('halves', resume=True))
    assert ticket_bytes(tmp_path / 'halves') == ticket_bytes(tmp_path / 'whole')
