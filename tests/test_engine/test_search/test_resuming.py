"""Law 5: whatever ends a search, the same command with --resume ends with the same bytes."""

import contextlib
import multiprocessing
import os
import signal
import threading

import pytest
import torch
from killing import Killed, config_of, end_at, search
from kit import ticket_bytes, ticket_of
from mmengine.hooks import EarlyStoppingHook, Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from mmlth.engine.errors import Preempted
from mmlth.engine.hooks import MaskHook, PreemptionHook, ProgressHook, RewindHook
from mmlth.engine.machine.preemption import SIGNALS, Preemption
from mmlth.engine.registry import SCORES
from mmlth.engine.search.run import run_search

FORK = multiprocessing.get_context('fork')


def early_stopping(config):
    # Accuracies of the toy jump about, so that it stops after the second or third epoch.
    config.train_cfg.max_epochs = 6
    config.custom_hooks = [
        {'type': 'EarlyStoppingHook', 'monitor': 'toy/accuracy', 'patience': 1, 'min_delta': 0.05}
    ]
    config.default_hooks.checkpoint.update(save_best='toy/accuracy', rule='greater')


def accumulating(config):
    config.optim_wrapper.accumulative_counts = 4
    config.default_hooks.checkpoint.update(by_epoch=False, interval=5)
    config.lottery.rewind = '4it'


def averaging(config):
    config.custom_hooks = [{'type': 'EMAHook', 'momentum': 0.1, 'update_buffers': True}]
    config.default_hooks.checkpoint.interval = 2
    config.default_hooks.checkpoint.update(save_best='toy/accuracy', rule='greater')


def rewound_within_an_epoch(config):
    config.lottery.rewind = '8it'
    config.default_hooks.checkpoint.update(by_epoch=False, interval=4)


def rewound_between_epochs(config):
    config.default_hooks.checkpoint.update(by_epoch=False, interval=3)


@HOOKS.register_module(force=True)
class RTMOModeSwitchHook(Hook):
    """As that of MMPose: it looks at exactly one epoch."""

    def before_train_epoch(self, runner):
        if runner.epoch == 1:
            runner.model.dropout.p = 0.5


def switching(config):
    config.custom_hooks = [{'type': 'RTMOModeSwitchHook'}]


def snip(config):
    config.lottery.score = 'snip'


def synflow_of_two_in_four(config):
    config.lottery.update(score={'type': 'synflow', 'iterations': 5}, pattern='2:4')


def increase_of_channels(config):
    config.lottery.update(score='magnitude_increase', pattern='channel')


@pytest.mark.parametrize(
    ('change', 'hook', 'point', 'round_name', 'iteration'),
    [
        # In and just after the validation that early stopping decides by.
        (early_stopping, PreemptionHook, 'after_val_iter', 'round_01', 12),
        (early_stopping, EarlyStoppingHook, 'after_val_epoch', 'round_01', 12),
        (early_stopping, ProgressHook, 'after_train', 'round_01', None),
        (early_stopping, ProgressHook, 'before_train_iter', 'round_00', 8),
        (accumulating, ProgressHook, 'before_train_iter', 'round_00', 7),
        (accumulating, ProgressHook, 'before_train_iter', 'round_02', 17),
        (averaging, PreemptionHook, 'after_val_iter', 'round_01', 12),
        (averaging, ProgressHook, 'before_train_iter', 'round_02', 14),
        (switching, ProgressHook, 'before_train_iter', 'round_01', 14),
        (rewound_within_an_epoch, RewindHook, 'before_train_iter', 'round_00', 8),
        (rewound_between_epochs, ProgressHook, 'before_val_epoch', 'round_00', 6),
        (snip, ProgressHook, 'before_train_iter', 'round_01', 14),
        (synflow_of_two_in_four, ProgressHook, 'before_train_iter', 'round_02', 8),
        (increase_of_channels, ProgressHook, 'before_train_iter', 'round_01', 8),
        (increase_of_channels, MaskHook, 'before_run', 'round_02', None),
    ],
)
def test_killed(undisturbed, tmp_path, monkeypatch, change, hook, point, round_name, iteration):
    end_at(monkeypatch, hook, point, round_name, iteration)
    with pytest.raises(Killed):
        search(tmp_path, change)
    monkeypatch.undo()
    search(tmp_path, change, resume=True)
    assert ticket_bytes(tmp_path) == undisturbed(change)


@contextlib.contextmanager
def preempted():
    """Preempted ends a process, which is why it leaves signals blocked; but not that of tests."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with pytest.raises(Preempted) as ended:
        yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    assert ended.value.code == 75


def test_a_search_leaves_signals_as_they_were(tmp_path):
    before = [signal.getsignal(number) for number in SIGNALS]
    search(tmp_path, rounds=1)
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(SIGNALS)


def _end():
    try:
        with Preemption():
            raise Preempted
    finally:
        os.kill(os.getpid(), signal.SIGTERM)  # as Slurm does once another process has ended


def test_no_signal_changes_the_code_of_a_process_that_ends():
    process = FORK.Process(target=_end)
    process.start()
    process.join()
    assert process.exitcode == 75


def test_a_signal_that_another_thread_takes_meanwhile(monkeypatch):
    with Preemption() as preemption:

        def taken():
            preemption._note(signal.SIGTERM, None)
            return set()

        monkeypatch.setattr(signal, 'sigpending', taken)
        assert preemption.requested


def signalling(number, point, round_name, iteration):
    """A stand-in for a hook's method that signals this process."""

    def send(self, runner, *args, **kwargs):
        if (runner.work_dir.rsplit('/', 1)[-1], runner.iter) == (round_name, iteration):
            signal.raise_signal(number)  # to this thread: another one may take its time

    return send


@pytest.mark.parametrize(
    ('change', 'number', 'point', 'round_name', 'iteration', 'saved'),
    [
        (None, signal.SIGTERM, 'before_train_iter', 'round_00', 2, 3),
        (None, signal.SIGUSR1, 'before_train_iter', 'round_01', 17, 18),  # the very last
        (averaging, signal.SIGTERM, 'before_val_iter', 'round_01', 12, 12),
        (averaging, signal.SIGTERM, 'before_train_iter', 'round_02', 9, 10),
        (accumulating, signal.SIGUSR1, 'before_train_iter', 'round_01', 9, 10),
        (rewound_within_an_epoch, signal.SIGTERM, 'before_train_iter', 'round_00', 7, 8),
        (rewound_between_epochs, signal.SIGTERM, 'before_train_iter', 'round_00', 5, 6),
    ],
)
def test_preempted(
    undisturbed, tmp_path, monkeypatch, change, number, point, round_name, iteration, saved
):
    send = signalling(number, point, round_name, iteration)
    monkeypatch.setattr(ProgressHook, point, send)
    with preempted():
        search(tmp_path, change)
    monkeypatch.undo()
    checkpoint = torch.load(tmp_path / round_name / 'interrupted.pth', weights_only=False)
    assert checkpoint['meta']['iter'] == saved
    moved = tmp_path.with_name(tmp_path.name + '_moved')
    tmp_path.rename(moved)
    search(moved, change, resume=True)
    assert ticket_bytes(moved) == undisturbed(change)
    assert not list(moved.glob('round_*/interrupted.*'))


def test_a_signal_between_rounds(undisturbed, tmp_path):
    config = config_of(tmp_path)
    runner = Runner.from_cfg(config)
    reports = []

    def report(work_dir, finished):
        reports.append(finished)
        signal.raise_signal(signal.SIGTERM)

    settings = runner.train.settings
    with preempted():
        run_search(runner, settings, report)
    assert reports == [False]
    assert len(ticket_bytes(tmp_path)) == 1
    assert not (tmp_path / 'round_01').exists()
    search(tmp_path, resume=True)
    assert ticket_bytes(tmp_path) == undisturbed(None)


def test_a_round_goes_on_under_the_mask_that_it_began_with(tmp_path, monkeypatch):
    """Though its score tells something else the next time, as what GPUs compute may."""

    def fickle(inputs):
        return {
            name: torch.frombuffer(bytearray(os.urandom(weight.numel())), dtype=torch.uint8)
            .view(weight.shape)
            .float()
            for name, weight in inputs.weights.items()
        }

    monkeypatch.setitem(SCORES.module_dict, 'fickle', fickle)
    with monkeypatch.context() as patch:
        end_at(patch, ProgressHook, 'before_train_iter', 'round_01', 14)
        with pytest.raises(Killed):
            search(tmp_path, score='fickle')
    began = torch.load(tmp_path / 'round_01/epoch_2.pth', weights_only=False)['state_dict']
    search(tmp_path, score='fickle', resume=True)
    mask = ticket_of(tmp_path, 1).mask
    assert all(torch.equal(began[name] != 0, kept) for name, kept in mask.items())
    assert not list(tmp_path.glob('round_*/mask.*'))


def test_a_notebook_may_search_in_a_thread(tmp_path):
    thread = threading.Thread(target=search, args=(tmp_path,), kwargs={'rounds': 1})
    thread.start()
    thread.join()
    assert len(ticket_bytes(tmp_path)) == 2
