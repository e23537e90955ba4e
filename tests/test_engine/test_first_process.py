"""What one process works out reaches all of them, refusals too."""

import multiprocessing
from datetime import timedelta

import pytest
import torch.distributed
from mmengine.dist import get_rank

from mmlth.engine.errors import LotteryError
from mmlth.engine.first_process import from_first_process
from mmlth.ticket import DamagedTicketError

FORK = multiprocessing.get_context('fork')


def refuse():
    raise LotteryError(f'process {get_rank()} cannot')


def find_damage():
    raise DamagedTicketError(f'process {get_rank()} sees damage')


def fill_the_disk():
    raise OSError(28, 'No space left on device', 'mask')


def asked_in(rank, store, compute, answers):
    torch.distributed.init_process_group(
        'gloo',
        init_method=f'file://{store}',
        rank=rank,
        world_size=2,
        timeout=timedelta(seconds=30),
    )
    try:
        answer = from_first_process(compute)
    except Exception as error:  # whatever it is, it is told
        answer = error
    answers.put((rank, repr(answer)))


def asked(compute, tmp_path):
    """What each of two processes gets."""
    answers = FORK.SimpleQueue()
    processes = [
        FORK.Process(target=asked_in, args=(rank, tmp_path / 'store', compute, answers))
        for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    return [answer for _, answer in sorted(answers.get() for _ in processes)]


def test_all_get_what_the_first_computes(tmp_path):
    assert asked(get_rank, tmp_path) == ['0', '0']


@pytest.mark.parametrize(
    ('compute', 'expected'),
    [
        (refuse, "LotteryError('process 0 cannot')"),
        (find_damage, "DamagedTicketError('process 0 sees damage')"),
        (fill_the_disk, "OSError(28, 'No space left on device')"),
    ],
)
def test_all_fail_as_the_first_does(compute, expected, tmp_path):
    assert asked(compute, tmp_path) == [expected, expected]


def test_one_process_alone_keeps_the_cause():
    def compute():
        try:
            int('no number')
        except ValueError as error:
            raise LotteryError('cannot') from error

    with pytest.raises(LotteryError) as caught:
        from_first_process(compute)
    assert isinstance(caught.value.__cause__, ValueError)
