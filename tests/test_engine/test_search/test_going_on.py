"""What goes on in a folder: more rounds, one a process, one process at a time."""

import fcntl
import itertools
import json
import multiprocessing
import threading

import pytest
import torch
from killing import Killed, config_of, end_at, search
from kit import ticket_bytes, ticket_of
from mmengine.config import ConfigDict
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer
from mmengine.registry import HOOKS
from toy import ToyDataset, ToyModel

import mmlth
from mmlth import load_ticket
from mmlth.engine.checkpoints.rewind_file import load_training_state
from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks import ProgressHook

FORK = multiprocessing.get_context('fork')


def test_more_rounds_for_a_finished_search(tmp_path):
    search(tmp_path, rounds=2)
    before = ticket_bytes(tmp_path)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.glob('round_*/*.pth')}
    search(tmp_path, resume=True, rounds=4, target_sparsity=0.9)
    after = ticket_bytes(tmp_path)
    assert {name: after[name] for name in before} == before
    assert files == {path: path.stat().st_mtime_ns for path in files}
    masks = [load_ticket(tmp_path / 'tickets' / name).mask for name in after]
    total = masks[0].total
    assert [mask.kept for mask in masks[3:]] == [
        round(total * 0.25 * (0.1 / 0.25) ** 0.5),
        total - round(total * 0.9),
    ]
    for wider, mask in itertools.pairwise(masks):
        assert all((wider[name] | ~mask[name]).all() for name in mask)
    # That the search was longer once is part of its state.
    with pytest.raises(LotteryError, match='need a higher'):
        search(tmp_path, resume=True, rounds=2)


def test_one_extension_at_a_time(tmp_path, monkeypatch):
    search(tmp_path, rounds=1, target_sparsity=0.5)
    end_at(monkeypatch, ProgressHook, 'before_train_iter', 'round_02', 16)
    with pytest.raises(Killed):
        search(tmp_path, resume=True, rounds=2, target_sparsity=0.7)
    monkeypatch.undo()
    with pytest.raises(LotteryError, match=r'target_sparsity: 0\.7 → 0\.9'):
        search(tmp_path, resume=True, rounds=2, target_sparsity=0.9)
    search(tmp_path, resume=True, rounds=2, target_sparsity=0.7)
    assert len(ticket_bytes(tmp_path)) == 3


def test_a_search_that_resume_starts_loads_what_it_is_given(tmp_path):
    """Job scripts always pass --resume."""
    weights = {name: torch.full_like(t, 7) for name, t in ToyModel().state_dict().items()}
    # A checkpoint of MMEngine holds its log, which torch by itself does not read any more.
    log = {'log_scalars': {'train/loss': HistoryBuffer([1.0], [1])}}
    torch.save({'state_dict': weights, 'message_hub': log}, tmp_path / 'dense.pth')
    config = config_of(tmp_path / 'work', rounds=1, rewind='0')
    config.load_from = str(tmp_path / 'dense.pth')
    mmlth.search(config, resume=True)
    initial = load_training_state(tmp_path / 'work/rewind.safetensors')['state_dict']
    assert initial['fc.weight'].eq(7).all()


def rewound_within_an_epoch_late(config):
    config.lottery.rewind = '10it'
    config.default_hooks.checkpoint.update(by_epoch=False, interval=4)


def test_step_k_is_of_the_training_that_goes_on(undisturbed, tmp_path, monkeypatch):
    """On GPUs a training that is continued from before step k may reach another state there."""
    end_at(monkeypatch, ProgressHook, 'before_train_iter', 'round_00', 11)
    with pytest.raises(Killed):
        search(tmp_path, rewound_within_an_epoch_late)
    monkeypatch.undo()
    before = (tmp_path / 'rewind.safetensors').stat().st_mtime_ns
    search(tmp_path, rewound_within_an_epoch_late, resume=True)
    assert (tmp_path / 'rewind.safetensors').stat().st_mtime_ns > before
    assert ticket_bytes(tmp_path) == undisturbed(rewound_within_an_epoch_late)


def test_configs_in_a_checkpoint_are_read_again(tmp_path, monkeypatch):
    told = {'classes': ('dark', 'bright'), 'extra': ConfigDict(a={'b': 1})}
    monkeypatch.setattr(ToyDataset, 'metainfo', told)
    with monkeypatch.context() as patch:
        end_at(patch, ProgressHook, 'before_train_iter', 'round_01', 14)
        with pytest.raises(Killed):
            search(tmp_path, rounds=1)
    search(tmp_path, resume=True, rounds=1)
    assert len(ticket_bytes(tmp_path)) == 2


@HOOKS.register_module(force=True)
class OddHook(Hook):
    """Puts into checkpoints what is read by running code."""

    def before_save_checkpoint(self, runner, checkpoint):
        checkpoint['odd'] = threading.Lock


def odd(config):
    config.custom_hooks = [{'type': 'OddHook'}]
    config.lottery.rewind = '2ep'  # whose file would refuse it later


def test_a_checkpoint_that_nothing_could_continue_from(tmp_path):
    with pytest.raises(LotteryError, match='could not be continued from'):
        search(tmp_path, odd)


def test_a_search_that_grew_is_what_its_rate_says(tmp_path):
    """Where the rounds of a rate end on the target, growing is asking for more at once."""
    search(tmp_path / 'grown', rounds=None, rate=0.5, target_sparsity=0.5)
    search(tmp_path / 'grown', rounds=None, rate=0.5, target_sparsity=0.75, resume=True)
    search(tmp_path / 'once', rounds=None, rate=0.5, target_sparsity=0.75)
    assert ticket_of(tmp_path / 'grown', 2).mask == ticket_of(tmp_path / 'once', 2).mask


def test_a_search_keeps_the_schedule_that_it_began_with(tmp_path):
    """One that an earlier version began with a last round too small to be one now."""
    options = {'rounds': None, 'rate': 0.5, 'target_sparsity': 0.51, 'rounds_per_run': 1}
    search(tmp_path, **options)
    state = tmp_path / 'search.json'
    content = json.loads(state.read_text())
    total, last = content['schedule']
    state.write_text(json.dumps({**content, 'schedule': [total, total // 2, last]}))
    for _ in range(2):
        search(tmp_path, resume=True, **options)
    kept = [load_ticket(path).mask.kept for path in sorted(tmp_path.glob('tickets/*.safetensors'))]
    assert kept == [total, total // 2, last]


def test_one_round_a_process(undisturbed, tmp_path):
    for count in (1, 2, 3):
        search(tmp_path, resume=True, rounds_per_run=1)
        assert len(ticket_bytes(tmp_path)) == count
    assert ticket_bytes(tmp_path) == undisturbed(None)


def _hold(path, ready, done):
    with path.open('w') as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        ready.set()
        done.wait()


def test_two_processes_in_one_folder(tmp_path):
    ready, done = FORK.Event(), FORK.Event()
    process = FORK.Process(target=_hold, args=(tmp_path / '.lock', ready, done))
    process.start()
    ready.wait()
    with pytest.raises(LotteryError, match='another process trains in'):
        search(tmp_path)
    done.set()
    process.join()
    search(tmp_path, rounds=1)
    assert not (tmp_path / '.lock').exists()


def test_sharding_is_refused(tmp_path):
    def change(config):
        config.model_wrapper_cfg = {'type': 'MMFullyShardedDataParallel'}

    with pytest.raises(LotteryError, match='shards the weights'):
        search(tmp_path, change)
