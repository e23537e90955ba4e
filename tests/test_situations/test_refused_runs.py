"""A run that is refused leaves work_dir as it was, one that fails before it trains no search."""

import json
import multiprocessing
import re
import time
from pathlib import Path

import fresh
import pytest
import torch
from kit import record
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import DATASETS, HOOKS, MODELS
from mmengine.runner import Runner
from pages import whole_reports
from points import PointsNet, points_config
from toy import ToyDataset, ToyModel, toy_config

import mmlth
from mmlth import LotteryError, Ticket, load_ticket, save_ticket
from mmlth.engine.checkpoints.rewind_file import load_training_state
from mmlth.engine.machine.lock import only_training_in
from mmlth.engine.state.paths import SearchPaths
from mmlth.engine.state.replacement import set_search_aside


def contents(folder):
    """Of each file its bytes and when it was changed, of each folder that it is there."""
    return {
        path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
        if path.is_file()
        else None
        for path in folder.rglob('*')
    }


def named_config(folder, work_dir, **changes):
    """A config with a file, whose copy in work_dir a later Runner writes again."""
    config = toy_config(work_dir, **changes)
    config.lottery.rounds = 1
    path = folder / 'config.py'
    config.dump(path)
    return type(config).fromfile(path)


def train(config, resume=False):
    config.resume = resume
    Runner.from_cfg(config).train()


REFUSED = {
    'other settings': {'optim_wrapper.optimizer.lr': 0.2},
    'no --resume': {},
    'targets': {'lottery.targets.include': ['nothing']},
    'data': {'val_evaluator.ann_file': 'nowhere/a.json'},
    'load_from': {'load_from': 'nowhere.pth'},
    'the rewind step': {'lottery.rewind': '9ep'},
    'the model cannot be built': {'model.layers': 3},
    'the file of another ticket': {'lottery.ticket': 'nowhere.safetensors'},
}


@pytest.fixture(scope='module')
def searched(tmp_path_factory):
    folder = tmp_path_factory.mktemp('searched')
    train(named_config(folder, folder / 'work'))
    time.sleep(1)  # MMEngine names folders of logs by the second
    return folder


@pytest.mark.parametrize('resume', [True, False])
@pytest.mark.parametrize('reason', REFUSED)
def test_a_search_that_is_there_is_not_touched(searched, reason, resume):
    if reason == 'no --resume' and resume:
        pytest.skip('that is accepted')
    before = contents(searched / 'work')
    with pytest.raises((LotteryError, TypeError)):
        train(named_config(searched, searched / 'work', **REFUSED[reason]), resume)
    assert contents(searched / 'work') == before


def test_a_second_process_changes_nothing(searched):
    """The config that the first one copied stays, too."""

    def but_the_lock():
        return {k: v for k, v in contents(searched / 'work').items() if k.name != '.lock'}

    before, context = but_the_lock(), multiprocessing.get_context('fork')
    ready, done = context.Event(), context.Event()
    first = context.Process(target=hold, args=(searched / 'work', ready, done))
    first.start()
    ready.wait()
    config = named_config(searched, searched / 'work', **{'optim_wrapper.optimizer.lr': 0.3})
    with pytest.raises(LotteryError, match='another process'):
        train(config)
    done.set()
    first.join()
    assert but_the_lock() == before


def hold(work_dir, ready, done):
    with only_training_in(work_dir):
        ready.set()
        done.wait()


@pytest.mark.parametrize('reason', [reason for reason in REFUSED if 'settings' not in reason][1:])
def test_nothing_is_left_where_nothing_was(tmp_path, reason):
    (tmp_path / 'file').touch()
    with pytest.raises((LotteryError, TypeError)):
        train(named_config(tmp_path, tmp_path / 'a/b/work', **REFUSED[reason]))
    assert {path.name for path in tmp_path.iterdir()} == {'config.py', 'file'}


def test_a_refused_run_changes_no_report_and_no_branch(tmp_path):
    """From another process; a newer ``.py`` in work_dir is nobody's config."""
    config = points_config(tmp_path)
    accepted = Config.fromfile(config)
    accepted.work_dir = str(tmp_path / 'work')
    with whole_reports():
        train(accepted)
    before = contents(tmp_path / 'work')
    other = ['--resume', '--cfg-options', 'val_dataloader.dataset.seed=7']
    refused = fresh.stock_train(config, '--work-dir', 'work', *other)
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith('mmlth: ')
    assert 'val_dataloader.dataset.seed: 1 → 7' in refused.stderr
    assert contents(tmp_path / 'work') == before
    (tmp_path / 'work/newer.py').write_text("raise SystemExit('it is run')")
    mmlth.branch(tmp_path / 'work', 'random')
    kept = record(tmp_path / 'work/branches/random')
    assert kept['config']['val_dataloader']['dataset']['seed'] == 1


FAILS = {
    'amp on a CPU': {'optim_wrapper.type': 'AmpOptimWrapper'},
    'data that break': {'train_dataloader.dataset.type': 'BrokenDataset'},
    'a checkpoint that is none': {'load_from': __file__},
    'a hook that fails as training begins': {'custom_hooks': [{'type': 'FailingHook'}]},
    'a loss that fails': {'model.type': 'LosslessModel'},
}


@DATASETS.register_module(force=True)
class BrokenDataset(ToyDataset):
    """Whose items cannot be read."""

    def __getitem__(self, index):
        raise OSError('an image is broken')


@HOOKS.register_module(force=True)
class FailingHook(Hook):
    """Needs what is not there."""

    def before_train(self, runner):
        raise RuntimeError('what the hook needs is not there')


@MODELS.register_module(force=True)
class LosslessModel(ToyModel):
    """Of other classes than the data."""

    def forward(self, inputs, data_samples=None, mode='tensor'):
        if mode == 'loss':
            raise IndexError('class 7 of 2')
        return super().forward(inputs, data_samples, mode)


@pytest.mark.skipif(torch.cuda.is_available(), reason='AMP works on GPUs')
@pytest.mark.parametrize('resume', [False, True])
@pytest.mark.parametrize('rewind', ['0', '1ep'])
@pytest.mark.parametrize('failure', FAILS)
def test_a_search_exists_once_it_trains(tmp_path, failure, rewind, resume):
    work_dir = tmp_path / 'work'
    changes = {'lottery.rewind': rewind, **FAILS[failure]}
    with pytest.raises(Exception):  # noqa: B017, PT011
        train(named_config(tmp_path, work_dir, **changes))
    left = [*work_dir.glob('round_*'), *work_dir.glob('tickets'), *work_dir.glob('*.safetensors')]
    assert left == []
    assert not (work_dir / 'search.json').exists()
    train(named_config(tmp_path, work_dir, **{'lottery.rewind': rewind}), resume)
    assert len(list(work_dir.glob('tickets/*'))) == 2


def test_a_branch_exists_once_it_trains(searched, monkeypatch):
    options = {'val_evaluator.ann_file': 'nowhere/a.json'}
    before = contents(searched / 'work')
    with pytest.raises(LotteryError, match='does not exist'):
        mmlth.branch(searched / 'work', 'random', cfg_options=options)
    assert contents(searched / 'work') == before
    registered = DATASETS.get('ToyDataset')
    monkeypatch.setattr(registered, '__getitem__', BrokenDataset.__getitem__)
    with pytest.raises(OSError, match='an image is broken'):
        mmlth.branch(searched / 'work', 'random')
    monkeypatch.undo()
    left = searched / 'work/branches/random'
    assert not [*left.glob('search.json'), *left.glob('round_*')]
    mmlth.branch(searched / 'work', 'random')


def test_a_mask_of_a_branch_that_never_trained_is_drawn_anew(searched):
    """The folder of a killed one may be used with other settings."""
    folder = searched / 'work/branches/again/round_01'
    folder.mkdir(parents=True)
    mine = mmlth.branch(searched / 'work', 'random', name='first')
    first = load_ticket(searched / 'work/branches/first' / mine[1]['ticket'])
    save_ticket(Ticket(first.mask, None, {}), folder / 'mask.safetensors')
    other = mmlth.branch(searched / 'work', rewind_what='learning_rate', name='again')
    again = load_ticket(searched / 'work/branches/again' / other[1]['ticket'])
    assert again.mask != first.mask


def test_the_right_checkpoint_counts(tmp_path):
    """After a wrong one, also with --resume, which makes the script forget ``load_from``."""
    config = points_config(tmp_path, "load_from = 'nope.pth'\nlottery = dict(rewind='0')")
    wrong = fresh.stock_train(config)
    assert wrong.returncode == 1
    told = wrong.stderr.splitlines()[-1]
    assert re.match(r'mmlth: load_from does not exist or is no file: nope\.pth \(seen from', told)
    assert not (tmp_path / 'work').exists()
    weights = {name: torch.full_like(t, 7) for name, t in PointsNet().state_dict().items()}
    torch.save({'state_dict': weights}, tmp_path / 'right.pth')
    options = ['--resume', '--cfg-options', 'load_from=right.pth']
    right = fresh.stock_train(config, '--work-dir', 'work', *options)
    assert right.returncode == 0, right.stderr
    start = load_training_state(tmp_path / 'work/rewind.safetensors')['state_dict']
    assert start['head.weight'].eq(7).all()


def test_a_search_that_an_earlier_version_left_behind(tmp_path):
    """It wrote search.json before it looked for the checkpoint."""
    weights = {'state_dict': {n: torch.full_like(t, 7) for n, t in ToyModel().state_dict().items()}}
    torch.save(weights, tmp_path / 'right.pth')
    right = {'load_from': str(tmp_path / 'right.pth'), 'lottery.rewind': '0'}
    train(named_config(tmp_path, tmp_path / 'other', **right))
    state = record(tmp_path / 'other')
    state.update(rounds=[], load_from='nope.pth')
    state['rewind'] = {key: state['rewind'][key] for key in ('step', 'what', 'after')}
    del state['accepted_config'], state['load_from_sha256']
    (tmp_path / 'work').mkdir()
    (tmp_path / 'work/search.json').write_text(json.dumps(state))
    config = named_config(tmp_path, tmp_path / 'work', **{'lottery.rewind': '0'})
    with pytest.raises(LotteryError, match=r'load_from does not exist or is no file: nope\.pth'):
        mmlth.search(config, resume=True)
    config.load_from = right['load_from']
    mmlth.search(config, resume=True)
    start = load_training_state(tmp_path / 'work/rewind.safetensors')['state_dict']
    assert start['fc.weight'].eq(7).all()


def test_another_checkpoint_is_another_search(tmp_path):
    for name, value in (('one', 1.0), ('two', 2.0)):
        state = {key: torch.full_like(t, value) for key, t in ToyModel().state_dict().items()}
        torch.save({'state_dict': state}, tmp_path / f'{name}.pth')
    config = named_config(tmp_path, tmp_path / 'work', load_from=str(tmp_path / 'one.pth'))
    mmlth.search(config)
    config.load_from = str(tmp_path / 'two.pth')
    with pytest.raises(LotteryError, match='started from another checkpoint'):
        mmlth.search(config, resume=True)
    (tmp_path / 'one.pth').rename(tmp_path / 'moved.pth')
    config.load_from = str(tmp_path / 'moved.pth')
    mmlth.search(config, resume=True)


def test_a_url_is_no_file(tmp_path):
    config = toy_config(tmp_path / 'work', load_from='open-mmlab://no/such_model')
    with pytest.raises(Exception) as error:  # noqa: PT011
        train(config)
    assert 'load_from does not exist' not in str(error.value)
    assert not (tmp_path / 'work/search.json').exists()


def test_a_refused_run_can_be_followed_by_another_at_once(tmp_path):
    """MMEngine finds loggers by names that tell the second."""
    config = named_config(tmp_path, tmp_path / 'work')
    config.pop('experiment_name')
    config.log_level = 'INFO'
    for _ in range(3):
        bad = config.copy()
        bad.load_from = 'nowhere.pth'
        with pytest.raises(LotteryError):
            train(bad)
    train(config)
    (log,) = (tmp_path / 'work').glob('*/*.log')
    assert log.stat().st_size


def test_a_config_that_is_called_as_the_state(tmp_path):
    config = toy_config(tmp_path / 'work')
    path = tmp_path / 'search.json'
    config.dump(path)
    with pytest.raises(LotteryError, match='rename the config') as error:
        Runner.from_cfg(type(config).fromfile(path))
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'work').exists()


def test_test_and_val_write_as_ever(searched):
    """Whose Runner is never told to train."""
    config = named_config(searched, searched / 'work')
    runner = Runner.from_cfg(config)
    runner.val()
    assert Path(runner.log_dir).is_dir()


@pytest.mark.parametrize('failure', ['optimizer', 'amp', 'rounds'])
def test_a_search_that_is_to_be_replaced_is_back_if_the_new_one_never_trains(tmp_path, failure):
    """By `lottery.overwrite`; once the new one trains the old one is gone."""
    train(toy_config(tmp_path, **{'lottery.rounds': 1}))

    def content():
        files = [tmp_path / 'search.json', *sorted(tmp_path.glob('tickets/*'))]
        return {path.name: path.read_bytes() for path in files}

    before = content()
    broken = toy_config(tmp_path, **{'lottery.overwrite': True})
    if failure == 'optimizer':
        broken.optim_wrapper.optimizer.type = 'NoSuchOptimizer'
    elif failure == 'amp':
        broken.optim_wrapper.type = 'AmpOptimWrapper'
    else:
        broken.train_dataloader.dataset.broken_key = True
    with pytest.raises((AssertionError, KeyError, TypeError, LotteryError)):
        train(broken)
    assert content() == before
    assert not (tmp_path / '.replaced').exists()
    train(toy_config(tmp_path, **{'lottery.overwrite': True, 'randomness.seed': 7}))
    assert content().keys() > before.keys()
    assert not (tmp_path / '.replaced').exists()


def test_a_search_that_a_killed_process_was_to_replace_is_back(tmp_path):
    train(toy_config(tmp_path, **{'lottery.rounds': 1}))
    before = (tmp_path / 'search.json').read_bytes()
    set_search_aside(SearchPaths(tmp_path))
    (tmp_path / 'round_00').mkdir()
    assert not (tmp_path / 'search.json').exists()
    train(toy_config(tmp_path, **{'lottery.rounds': 1}), resume=True)  # goes on with the old one
    assert record(tmp_path)['rounds'] == (json.loads(before)['rounds'])
    assert list(tmp_path.glob('round_00/*.pth'))
