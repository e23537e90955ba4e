"""Law 5: whatever ends a search, the same command with --resume ends with the same bytes."""

import contextlib
import fcntl
import itertools
import json
import multiprocessing
import os
import signal
import threading
import zipfile

import pytest
import torch
from kit import search_by, ticket_bytes, ticket_of
from mmengine.config import ConfigDict
from mmengine.evaluator import BaseMetric
from mmengine.fileio import LocalBackend
from mmengine.hooks import EarlyStoppingHook, Hook
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.registry import HOOKS, METRICS
from mmengine.runner import Runner
from toy import ToyDataset, ToyModel, toy_config

import mmlth
from mmlth import load_ticket
from mmlth.engine.checkpoints.newest import is_whole
from mmlth.engine.checkpoints.rewind_file import load_training_state
from mmlth.engine.errors import LotteryError, Preempted
from mmlth.engine.hooks import MaskHook, PreemptionHook, ProgressHook, RewindHook
from mmlth.engine.machine.preemption import SIGNALS, Preemption
from mmlth.engine.registry import SCORES
from mmlth.engine.search.run import run_search

FORK = multiprocessing.get_context('fork')


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing is written because of it."""


def config_of(work_dir, change=None, **lottery):
    config = toy_config(work_dir)
    config.lottery.update(lottery)
    if change:
        change(config)
    return config


def search(work_dir, change=None, resume=False, **lottery):
    config = config_of(work_dir, change, **lottery)
    config.resume = resume
    search_by(config)


def end_at(monkeypatch, hook, point, round_name, iteration, error=Killed):
    """Ends the process at a point of a hook, in one round after so many iterations (None: any)."""
    original = getattr(hook, point)

    def end(self, runner, *args, **kwargs):
        if runner.work_dir.endswith(round_name) and iteration in (runner.iter, None):
            raise error
        original(self, runner, *args, **kwargs)

    monkeypatch.setattr(hook, point, end)


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


def rewound_within_an_epoch_late(config):
    config.lottery.rewind = '10it'
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


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory):
    """The tickets of each kind of search, run once."""
    known = {}

    def get(change):
        if change not in known:
            work_dir = tmp_path_factory.mktemp('undisturbed')
            search(work_dir, change)
            known[change] = ticket_bytes(work_dir)
        return known[change]

    return get


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


def kill_in_round(tmp_path, monkeypatch, round_name, iteration):
    end_at(monkeypatch, ProgressHook, 'before_train_iter', round_name, iteration)
    with pytest.raises(Killed):
        search(tmp_path)
    monkeypatch.undo()


def flip_a_bit(path):
    """In the middle of the stored weights, where nothing but the checksum can tell."""
    with zipfile.ZipFile(path) as file:
        largest = max(file.infolist(), key=lambda entry: entry.file_size)
    data = bytearray(path.read_bytes())
    data[largest.header_offset + 200] ^= 1
    path.write_bytes(data)
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is not None


@pytest.mark.parametrize(
    'damage',
    [
        flip_a_bit,
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(b''),
    ],
    ids=['flipped', 'truncated', 'empty'],
)
def test_a_damaged_checkpoint(undisturbed, tmp_path, monkeypatch, capsys, damage):
    kill_in_round(tmp_path, monkeypatch, 'round_01', 16)
    damage(tmp_path / 'round_01/epoch_2.pth')
    search(tmp_path, resume=True)
    assert 'epoch_2.pth cannot be used, being damaged; the round starts over' in all_of(capsys)
    assert ticket_bytes(tmp_path) == undisturbed(None)


def test_any_byte_of_a_checkpoint(tmp_path):
    """What an archive says of its parts has no checksum: no change of it goes unnoticed."""
    path = tmp_path / 'epoch_1.pth'
    content = {'weights': torch.arange(6.0), 'meta': {'iter': 3}}
    torch.save(content, path)
    raw = path.read_bytes()
    assert is_whole(path)
    for place in range(len(raw)):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 16]) + raw[place + 1 :])
        if is_whole(path):
            loaded = torch.load(path)
            assert loaded['meta'] == content['meta'], place
            assert torch.equal(loaded['weights'], content['weights']), place


def test_the_one_before_a_damaged_checkpoint(undisturbed, tmp_path, monkeypatch, capsys):
    kill_in_round(tmp_path, monkeypatch, 'round_00', 14)
    flip_a_bit(tmp_path / 'round_00/epoch_2.pth')
    search(tmp_path, resume=True)
    assert 'the round continues from epoch_1.pth' in all_of(capsys)
    assert ticket_bytes(tmp_path) == undisturbed(None)


def all_of(capsys):
    captured = capsys.readouterr()
    return ' '.join((captured.out + captured.err).split())


def test_a_killed_write_leaves_the_checkpoint_before_it(tmp_path, monkeypatch):
    """CheckpointHook writes that of a new best validation twice under one name."""

    put, written = LocalBackend.put, []

    def killed(self, content, path):
        put(self, content[: len(content) // 2] if written else content, path)
        written.append(path)
        if len(written) == 2:
            raise Killed

    def again(config):
        config.default_hooks.checkpoint.update(save_best='toy/accuracy', rule='greater')

    monkeypatch.setattr(LocalBackend, 'put', killed)
    with pytest.raises(Killed):
        search(tmp_path, again, rounds=1)
    left = list(tmp_path.glob('round_00/*.pth'))
    assert [path.name for path in left] == ['epoch_1.pth']
    assert zipfile.ZipFile(left[0]).testzip() is None


def test_overwriting_after_a_kill_that_left_no_search_json(tmp_path):
    search(tmp_path, rounds=1)
    (tmp_path / 'search.json').unlink()
    with pytest.raises(LotteryError, match='but no search'):
        search(tmp_path, resume=True, rounds=1)
    search(tmp_path, resume=True, rounds=1, overwrite=True)
    assert len(ticket_bytes(tmp_path)) == 2


def test_temporary_files_of_killed_processes_go(tmp_path, monkeypatch):
    kill_in_round(tmp_path, monkeypatch, 'round_01', 9)
    left = [
        '.search.json.abcd_123.json',
        'round_01/.epoch_2.pth.a1b2c3d4.pth',
        'round_01/.last_checkpoint.a1b2c3d4.tmp',
    ]
    mine = ['.notes', '.search.json', 'round_01/.epoch_2.pth.bak']
    for name in left + mine:
        (tmp_path / name).write_text('x')
    search(tmp_path, resume=True)
    assert [name for name in left + mine if (tmp_path / name).exists()] == mine


@METRICS.register_module(force=True)
class Later(BaseMetric):
    """Each validation is better than the one before."""

    default_prefix = 'toy'

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return {'iteration': MessageHub.get_current_instance().get_info('iter')}


def ever_better(config):
    config.val_evaluator = {'type': 'Later'}
    config.default_hooks.checkpoint.update(save_best='toy/iteration', rule='greater')


def test_the_best_checkpoint_before_a_move_goes_too(tmp_path, monkeypatch):
    end_at(monkeypatch, ProgressHook, 'before_train_iter', 'round_00', 13)
    with pytest.raises(Killed):
        search(tmp_path / 'here', ever_better, rounds=1)
    monkeypatch.undo()
    assert (tmp_path / 'here/round_00/best_toy_iteration_epoch_2.pth').exists()
    (tmp_path / 'here').rename(tmp_path / 'there')
    search(tmp_path / 'there', ever_better, resume=True, rounds=1)
    best = [path.name for path in (tmp_path / 'there').glob('round_00/best_*.pth')]
    assert best == ['best_toy_iteration_epoch_3.pth']


@pytest.mark.parametrize(
    ('asked', 'kept'), [({}, 2), ({'max_keep_ckpts': 1}, 2), ({'max_keep_ckpts': -1}, 3)]
)
def test_how_many_checkpoints_are_kept(tmp_path, asked, kept):
    def change(config):
        config.default_hooks.checkpoint.update(asked)

    search(tmp_path, change, rounds=1)
    for index in range(2):
        assert len(list(tmp_path.glob(f'round_0{index}/*.pth'))) <= kept
    assert len(list(tmp_path.glob('round_00/*.pth'))) == kept


def test_checkpoints_elsewhere_are_refused(tmp_path):
    def change(config):
        config.default_hooks.checkpoint.out_dir = str(tmp_path / 'elsewhere')

    with pytest.raises(LotteryError, match='out_dir='):
        search(tmp_path / 'work', change)


def test_disk_use_is_told_before_training(tmp_path, capsys):
    def change(config):
        config.log_level = 'INFO'
        config.default_hooks.checkpoint.update(save_best='toy/accuracy', rule='greater')

    search(tmp_path, change, rounds=1)
    line = ' '.join(capsys.readouterr().out.split())
    # 338 parameters and 16 running statistics of 4 bytes, a count of 8: 1424 bytes; with SGD's
    # momenta 2776. In all 2776 + 2 * (2 * 2776 + 1424 + 1424) = 19,576 bytes.
    assert (
        'disk: the search will take about 20 kB: 2 rounds, each with 2 checkpoints of 3 kB, 1 best '
        'ones of 1 kB and a ticket of at most 1 kB; '
    ) in line
    assert 'are free' in line
    assert 'NOT ENOUGH' not in line


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
