"""Searches that are really killed, stopped, damaged and out of disk; see reliability.md.

``FAULTS_KILLS`` asks for more kills than one of each kind (20 at night); for other ones see
tests/seeds.py.
"""

import os
import random
import shutil
import signal
import sys
from dataclasses import replace
from itertools import cycle, islice

import pytest
from damage import DAMAGES, break_file, damaged_checkpoints, newest_checkpoint
from full_disk import full_disks
from interruptions import KILLS, MOVED, SIGNALS, interrupted
from outcomes import Outcome, failed, rows
from reliability_page import page
from searches import ROUNDS, Bench, broken_files, differing, tickets
from seeds import seeds
from victim import changed_file

FULL = 3.65 / 9.3
"""Of what a search writes: a disk that was full while a log line was written."""
pytestmark = pytest.mark.one_stack


@pytest.fixture(scope='module', params=seeds(1))
def seed(request):
    return request.param


@pytest.fixture(scope='module')
def bench(tmp_path_factory, seed):
    return Bench(tmp_path_factory.mktemp('faults'), random.Random(seed), print)  # noqa: S311


def test_killed_anywhere(bench):
    count = int(os.environ.get('FAULTS_KILLS', len(KILLS)))
    outcomes = list(interrupted(bench, list(islice(cycle(KILLS), count))))
    assert not [outcome for outcome in outcomes if failed(outcome)]
    assert len([outcome for outcome in outcomes if outcome.fault in KILLS]) == count
    assert {outcome.ended for outcome in outcomes} <= {'SIGKILL', 'SIGXFSZ', 'continued'}


def test_killed_at_the_rewind_step(bench):
    """In its validation, which a checkpoint came before, and when its state is to be written."""
    search = bench.new_search()
    for matching in (r'open round_00/\.best', r'open \.rewind'):
        run = search.start('--die-at-event', '1', '--matching', matching)
        assert run.end() == -signal.SIGKILL
        assert broken_files(search.work_dir) == []
        search.move()
    assert search.start().end() == 0
    assert bench.close(search) == 0


def test_killed_while_a_checkpoint_is_written(bench):
    search = bench.new_search()
    size = bench.sizes['round_00/iter_6.pth']
    matching = r'open round_00/\.?iter_6'
    run = search.start('--die-at-byte', str(size // 2), '--matching', matching)
    assert run.end() == -signal.SIGXFSZ
    assert (search.work_dir / 'round_00/last_checkpoint').read_text().endswith('iter_4.pth')
    assert broken_files(search.work_dir) == []


def test_stopped_by_a_signal(bench):
    outcomes = list(interrupted(bench, SIGNALS))
    assert not [outcome for outcome in outcomes if failed(outcome)]
    ended = [(outcome.fault, outcome.ended) for outcome in outcomes if outcome.fault != MOVED]
    assert ended == [('SIGTERM', 'exit 75'), ('SIGUSR1', 'exit 75')]


def test_damaged_checkpoint(bench):
    (outcome,) = damaged_checkpoints(bench, 1)
    assert not failed(outcome), outcome


def test_full_disk(bench, seed):
    share = FULL if seed == 1 else bench.random.uniform(0.05, 0.9)
    try:
        (outcome,) = full_disks(bench, [share])
    except PermissionError as error:
        pytest.skip(str(error))
    assert not failed(outcome), outcome
    assert outcome.ended == 'exit 1'


def test_a_lost_bit_is_reported(bench):
    """All of the above would say so."""
    honest = bench.reference
    last = f'round_{ROUNDS - 1:02d}.safetensors'
    bench.reference = {**honest, last: honest[last].translate(str.maketrans('01', '10'))}
    try:
        outcomes = list(interrupted(bench, KILLS[1:2]))
    finally:
        bench.reference = honest
    assert [outcome.differing for outcome in outcomes if outcome.fault != MOVED] == [1]
    assert failed(outcomes[0])
    assert f'Of {len(outcomes)} faults, {len(outcomes)} lost' in page(outcomes, 'again', ROUNDS)


def test_what_is_broken_is_found(bench):
    search = bench.new_search()
    run = search.start('--die-at-event', '1', '--matching', r'open round_00/\.iter_4')
    assert run.end() == -signal.SIGKILL
    newest = newest_checkpoint(search.work_dir)
    assert newest.name == 'iter_2.pth'
    whole = newest.read_bytes()
    assert broken_files(search.work_dir) == []
    for damage in DAMAGES:
        newest.write_bytes(whole)
        break_file(newest, damage, bench.random)
        assert broken_files(search.work_dir) == ['round_00/iter_2.pth']


def test_tickets_are_compared(tmp_path):
    (tmp_path / 'tickets').mkdir()
    for index in range(3):
        (tmp_path / f'tickets/round_{index:02d}.safetensors').write_bytes(bytes([index]))
    reference = tickets(tmp_path)
    assert differing(reference, tickets(tmp_path)) == 0
    (tmp_path / 'tickets/round_01.safetensors').write_bytes(b'\x03')
    (tmp_path / 'tickets/round_02.safetensors').unlink()
    assert differing(reference, tickets(tmp_path)) == 2


def test_changes_of_files_are_seen(tmp_path, monkeypatch):
    seen = []
    recording = [True]

    def hook(event, arguments):
        path = changed_file(event, arguments) if recording else None
        if path and path.startswith(str(tmp_path)):
            seen.append((event, path.removeprefix(f'{tmp_path}/')))

    monkeypatch.chdir(tmp_path)
    sys.addaudithook(hook)  # which cannot be removed
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'folder/a').write_text('')
    (tmp_path / 'folder/a').read_text()
    os.replace('folder/a', 'folder/b')
    shutil.rmtree('folder')
    recording.clear()
    assert seen == [
        ('os.mkdir', 'folder'),
        ('open', 'folder/a'),
        ('os.rename', 'folder/a'),
        ('os.remove', 'folder/b'),
        ('os.rmdir', 'folder'),
    ]


def test_faults_of_one_kind_share_a_row():
    one = Outcome('SIGTERM', 'after 1 s', 'exit 75')
    result = rows([one, replace(one, differing=2), Outcome('SIGUSR1', '', 'exit 75', ['a'])])
    assert [(row.fault, row.times, row.differing, row.broken) for row in result] == [
        ('SIGTERM', 2, 2, 0),
        ('SIGUSR1', 1, 0, 1),
    ]
