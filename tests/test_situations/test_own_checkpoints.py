"""A round's own checkpoint wherever MMEngine takes one; what is not safe stays refused."""

import os
import pickle

import pytest
import torch
from fresh import python, stock_test
from kit import ticket_of
from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.runner import CheckpointLoader, Runner, load_checkpoint
from mmengine.runner.checkpoint import load_from_local as stock_loader
from points import points_config

from mmlth.engine import LotteryError


class Call:
    """Pickles as a call of a function, which makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A config, and in ``work`` a search by it."""
    folder = tmp_path_factory.mktemp('points')
    config = Config.fromfile(points_config(folder))
    config.work_dir = str(folder / 'work')
    Runner.from_cfg(config).train()
    return folder


@pytest.fixture
def own(folder):
    return folder / 'work/round_01/epoch_2.pth'


@pytest.fixture
def unsafe(tmp_path):
    """A file that makes a folder when it is read unsafely."""
    torch.save({'state_dict': {}, 'extra': Call(tmp_path / 'made')}, tmp_path / 'unsafe.pth')
    try:
        stock_loader(str(tmp_path / 'unsafe.pth'), 'cpu')
    except pickle.UnpicklingError:
        return tmp_path / 'unsafe.pth'
    pytest.skip('this stack falls back to reading everything')


def same_weights(model, folder):
    ticket = ticket_of(folder / 'work', 1).state_dict()
    state = model.state_dict()
    return ticket.keys() == state.keys() and all(torch.equal(ticket[n], state[n]) for n in ticket)


def runner_of(folder, work_dir, load_from, lottery=True):
    config = Config.fromfile(folder / 'points_config.py')
    config.update(work_dir=str(work_dir), load_from=str(load_from), experiment_name=str(work_dir))
    if not lottery:
        config.pop('lottery')
    return Runner.from_cfg(config)


def test_the_stock_script_tests_it(folder, own):
    done = stock_test(folder / 'points_config.py', own)
    assert done.returncode == 0, done.stderr
    assert 'points/accuracy' in done.stdout + done.stderr


def test_the_stock_script_refuses_what_is_not_safe(folder, unsafe):
    done = stock_test(folder / 'points_config.py', unsafe)
    assert done.returncode == 1
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .startswith(f'mmlth: {unsafe} cannot be read without running code')
    )
    assert 'weights_only' not in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (unsafe.parent / 'made').exists()


def test_a_runner_loads_it(folder, own, tmp_path):
    runner = runner_of(folder, tmp_path, own)
    assert runner.test()
    assert same_weights(runner.model, folder)


def test_a_search_starts_from_it(folder, own, tmp_path):
    runner = runner_of(folder, tmp_path, own)
    runner.train()
    assert (tmp_path / 'tickets/round_01.safetensors').is_file()


@pytest.mark.parametrize('place', [None, 'meta'])
def test_what_takes_a_file_beside_runners_reads_it(folder, own, place, monkeypatch):
    model = MODELS.build({'type': 'PointsNet'})
    load_checkpoint(model, str(own), map_location='cpu')  # as init_detector and init_model do
    assert same_weights(model, folder)
    monkeypatch.setenv('HOME', str(folder))
    loaded = CheckpointLoader.load_checkpoint('~/work/round_01/epoch_2.pth', place)
    assert {str(value.device) for value in loaded['state_dict'].values()} == {place or 'cpu'}


def test_without_lottery_other_files_are_read_as_ever(folder, own, unsafe, tmp_path):
    """Law 6: what the stack reads comes as it does, what it refuses is refused as it does."""
    other = torch.load(own, weights_only=False)
    del other['mmlth']
    torch.save(other, tmp_path / 'other.pth')
    for path in (tmp_path / 'other.pth', unsafe):
        with pytest.raises(pickle.UnpicklingError) as theirs:
            stock_loader(str(path), 'cpu')
        with pytest.raises(pickle.UnpicklingError) as here:
            runner_of(folder, tmp_path / 'dense', path, lottery=False).test()
        assert str(here.value) == str(theirs.value)
    assert runner_of(folder, tmp_path / 'lottery', tmp_path / 'other.pth').test()
    with pytest.raises(LotteryError, match='cannot be read without running code'):
        runner_of(folder, tmp_path / 'unsafe', unsafe).test()
    assert not (tmp_path / 'made').exists()


OWN_LOADER = """
from mmengine.runner import CheckpointLoader


@CheckpointLoader.register_scheme('', force=True)
def load_from_a_cache(filename, map_location):
    return {'from': 'cache'}


import mmlth

print(CheckpointLoader.load_checkpoint('nowhere.pth', logger='silent'))
"""


def test_a_loader_of_the_users_own_is_still_asked(tmp_path):
    """Where a package has put its own in place of MMEngine's before mmlth is imported."""
    (tmp_path / 'script.py').write_text(OWN_LOADER)
    done = python('script.py', cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "{'from': 'cache'}", done.stderr
