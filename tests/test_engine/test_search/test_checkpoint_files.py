"""Checkpoints of a search that was killed: damaged, half written, moved, too many, elsewhere."""

import zipfile

import pytest
import torch
from killing import Killed, end_at, kill_in_round, search
from kit import ticket_bytes
from mmengine.evaluator import BaseMetric
from mmengine.fileio import LocalBackend
from mmengine.logging import MessageHub
from mmengine.registry import METRICS

from mmlth.engine.checkpoints.newest import is_whole
from mmlth.engine.errors import LotteryError
from mmlth.engine.hooks import ProgressHook


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
