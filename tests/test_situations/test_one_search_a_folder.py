"""A folder has one search at a time, whether threads, calls or processes want a second one."""

import multiprocessing
import os
import threading

import pytest
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from toy import toy_config

from mmlth.engine import LotteryError
from mmlth.engine.machine.lock import only_training_in

FORK = multiprocessing.get_context('fork')


def refusal(folder):
    """What a search in a folder is refused with; nothing if it is not."""
    try:
        with only_training_in(folder):
            return ''
    except LotteryError as error:
        return str(error)


def in_thread(call, *arguments):
    returned = []
    thread = threading.Thread(target=lambda: returned.append(call(*arguments)))
    thread.start()
    thread.join()
    return returned[0]


def in_process(call, *arguments):
    queue = FORK.SimpleQueue()
    process = FORK.Process(target=lambda: queue.put(call(*arguments)))
    process.start()
    returned = queue.get()
    process.join()
    return returned


@HOOKS.register_module(force=True)
class SearchesAgain(Hook):
    """Tries to search where the search is that it is part of, once."""

    refused: str | None = None

    def after_train_epoch(self, runner):
        if SearchesAgain.refused is not None:
            return
        SearchesAgain.refused = ''
        try:
            Runner.from_cfg(toy_config(os.path.dirname(runner.work_dir))).train()
        except LotteryError as error:
            SearchesAgain.refused = str(error)


def test_a_search_within_a_search(tmp_path):
    config = toy_config(tmp_path, **{'lottery.rounds': 1})
    config.custom_hooks = [{'type': 'SearchesAgain'}]
    Runner.from_cfg(config).train()
    assert SearchesAgain.refused.startswith(f'this process trains in {tmp_path} already')
    assert len(list(tmp_path.glob('tickets/*.safetensors'))) == 2


def test_the_training_of_a_ticket_where_another_one_is_at_work(tmp_path):
    Runner.from_cfg(toy_config(tmp_path / 'search', **{'lottery.rounds': 1})).train()
    ticket, folder = tmp_path / 'search/tickets/round_01.safetensors', tmp_path / 'training'
    config = toy_config(folder)
    config.lottery = {'ticket': str(ticket)}
    with only_training_in(folder), pytest.raises(LotteryError, match='this process trains in'):
        Runner.from_cfg(config).train()
    assert not list(folder.rglob('*.pth'))
    Runner.from_cfg(config).train()
    assert list(folder.rglob('*.pth'))
    assert not (folder / '.lock').exists()


def test_whoever_comes_second_is_refused_and_takes_nothing(tmp_path):
    folder, other = tmp_path / 'folder', tmp_path / 'other'
    (tmp_path / 'link').symlink_to(folder)
    with only_training_in(folder):
        for name in (folder, tmp_path / 'link', tmp_path / 'other/../folder'):
            other.mkdir(exist_ok=True)
            assert 'this process trains in' in refusal(name)
            assert 'this process trains in' in in_thread(refusal, name)
            # The system would let go of the lock if those had opened the file.
            assert 'another process trains in' in in_process(refusal, name)
        assert not refusal(other)
    assert not refusal(folder)
    assert not in_thread(refusal, folder)
    assert not in_process(refusal, folder)
    assert not list(folder.iterdir())


def test_of_many_threads_one_gets_it(tmp_path):
    count, held, refused = 8, [], []
    start, end = threading.Barrier(count), threading.Barrier(count)

    def run():
        start.wait()
        try:
            with only_training_in(tmp_path):
                held.append(1)
                end.wait()
        except LotteryError:
            refused.append(1)
            end.wait()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(held), len(refused)) == (1, count - 1)


def test_a_copy_by_fork_holds_nothing_and_frees_nothing(tmp_path):
    ready, done = FORK.Event(), FORK.Event()

    def later():
        ready.set()
        done.wait()
        return refusal(tmp_path)

    held = only_training_in(tmp_path)
    with held:
        assert in_process(held.__exit__, None, None, None) is False
        assert (tmp_path / '.lock').exists()
        queue = FORK.SimpleQueue()
        process = FORK.Process(target=lambda: queue.put(later()))
        process.start()
        ready.wait()
    done.set()
    assert queue.get() == ''
    process.join()
