"""Searches by two processes on a real Slurm: preempted, killed, and in one job a round."""

from pathlib import Path

import pytest
from cluster import wait_until
from kit import record
from plain import ROOT, plain_config, tickets

ONE_ROUND = {'lottery.rounds': 1}


pytestmark = pytest.mark.one_stack


@pytest.fixture(scope='module')
def undisturbed(cluster, tmp_path_factory):
    config = plain_config(tmp_path_factory.mktemp('undisturbed'), **ONE_ROUND)
    number = cluster.train(config)
    cluster.wait(number)
    assert cluster.job(number)['JobState'] == 'COMPLETED', output(config, number)
    return tickets(config.parent)


def output(config, number):
    return Path(config.parent, f'slurm-{number}.out').read_text()


def test_a_preempted_search_ends_with_the_same_tickets(cluster, undisturbed, tmp_path):
    config = plain_config(tmp_path, **ONE_ROUND)
    number = cluster.train(config, PLAIN_SLEEP=0.1)
    # As at the end of the time limit, and as an operator does it.
    wait_until((tmp_path / 'work/round_00/iter_4.pth').exists)
    cluster('scancel', '--signal=USR1', number)
    wait_until((tmp_path / 'work/round_01/iter_8.pth').exists)
    assert cluster.job(number)['Restarts'] == '1'
    cluster('scontrol', 'requeue', number)
    cluster.wait(number)
    job, printed = cluster.job(number), output(config, number)
    assert job['JobState'] == 'COMPLETED', printed
    assert job['Restarts'] == '2'
    assert printed.count('asked by a signal to stop') == 2
    assert len(undisturbed) == 2
    assert tickets(tmp_path) == undisturbed


def test_a_dead_process_ends_the_job(cluster, tmp_path):
    config = plain_config(tmp_path, **ONE_ROUND)
    number = cluster.train(config, PLAIN_DIE='1:round_00:5')
    cluster.wait(number)
    assert cluster.job(number)['JobState'] == 'FAILED', output(config, number)


def test_a_chain_of_jobs_trains_one_round_each(cluster, undisturbed, tmp_path):
    config = plain_config(tmp_path)
    script = ROOT / 'tools/slurm_rounds.sh'
    out = cluster(script, 'debug', 'search', config, 1, cwd=tmp_path, **cluster.two_processes)
    numbers = [int(line.split()[-1]) for line in out.splitlines()]
    assert len(numbers) == 2
    for done, number in enumerate(numbers, 1):
        cluster.wait(number)
        assert cluster.job(number)['JobState'] == 'COMPLETED', output(config, number)
        assert len(record(tmp_path / 'work')['rounds']) == done
    assert tickets(tmp_path) == undisturbed
