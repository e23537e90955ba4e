"""A ticket is whole or as it was, whatever ends the process that writes it."""

import errno
import multiprocessing
import os
import random
import resource
import signal
import time

import pytest
import torch
from seeds import seeds

from mmlth import Mask, Ticket, load_ticket, masked, save_ticket

FORK = multiprocessing.get_context('fork')


def ticket(seed):
    generator = torch.Generator().manual_seed(seed)
    mask = Mask({'w': torch.rand(300, 400, generator=generator) < 0.5})
    return Ticket(mask, masked({'w': torch.randn(300, 400, generator=generator)}, mask))


def save_for_ever(path):
    for index in range(10**9):
        save_ticket(ticket(index % 2), path)


@pytest.mark.parametrize('seed', seeds(*range(8)))
def test_killed_at_any_moment(tmp_path, seed):
    path = tmp_path / 't.safetensors'
    save_ticket(ticket(0), path)
    process = FORK.Process(target=save_for_ever, args=(path,))
    process.start()
    time.sleep(random.Random(seed).uniform(0.02, 0.3))  # noqa: S311, no secret
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    loaded = load_ticket(path)
    assert any(
        loaded.mask == one.mask and torch.equal(loaded.weights['w'], one.weights['w'])
        for one in (ticket(0), ticket(1))
    )


def save_on_a_full_disk(path, bytes_left, answer):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, bytes_left))
    try:
        save_ticket(ticket(1), path)
    except OSError as error:
        answer.send(error.errno)
    else:
        answer.send(None)


@pytest.mark.parametrize('bytes_left', [0, 100, 100_000])
def test_no_room(tmp_path, bytes_left):
    path = tmp_path / 't.safetensors'
    save_ticket(ticket(0), path)
    before = path.read_bytes()
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=save_on_a_full_disk, args=(path, bytes_left, sender))
    process.start()
    assert receiver.recv() == errno.EFBIG
    process.join()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
