"""Searches by two processes on a real Slurm: preempted, killed, and in one job a round."""

import json
from pathlib import Path

import pytest
from cluster import wait_until
from plain import ROOT, plain_config, tickets


@pytest.fixture(scope='module')
def undisturbed(cluster, tmp_path_factory):
    config = plain_config(tmp_path_factory.mktemp('undisturbed'))
    number = cluster.train(config)
    cluster.wait(number)
    assert cluster.job(number)['JobState'] == 'COMPLETED', output(config, number)
    return tickets(config.parent)


def output(config, number):
    return Path(config.parent, f'slurm-{number}.out').read_text()


@pytest.mark.parametrize('preempt', [('scancel', '--signal=USR1'), ('scontrol', 'requeue')])
def test_a_preempted_search_ends_with_the_same_tickets(cluster, undisturbed, tmp_path, preempt):
    config = plain_config(tmp_path)
    number = cluster.train(config, PLAIN_SLEEP=0.1)
    wait_until((tmp_path / 'work/round_01/iter_8.pth').exists)
    cluster(*preempt, number)
    cluster.wait(number)
    job = cluster.job(number)
    assert job['JobState'] == 'COMPLETED', output(config, number)
    assert job['Restarts'] == '1'
    assert 'Exited with exit code 75' in output(config, number)
    assert len(undisturbed) == 3
    assert tickets(tmp_path) == undisturbed


def test_a_dead_process_ends_the_job_and_the_search_resumes(cluster, undisturbed, tmp_path):
    config = plain_config(tmp_path)
    number = cluster.train(config, PLAIN_DIE='1:round_01:15')
    cluster.wait(number)
    assert cluster.job(number)['JobState'] == 'FAILED'
    number = cluster.train(config)
    cluster.wait(number)
    assert tickets(tmp_path) == undisturbed


def test_a_chain_of_jobs_trains_one_round_each(cluster, undisturbed, tmp_path):
    config = plain_config(tmp_path)
    options = {'GPUS': 2, 'GPUS_PER_NODE': 0, 'CPUS_PER_TASK': 1}
    script = ROOT / 'tools/slurm_rounds.sh'
    out = cluster(script, 'debug', 'search', config, 2, cwd=tmp_path, **options)
    numbers = [int(line.split()[-1]) for line in out.splitlines()]
    for done, number in enumerate(numbers, 1):
        cluster.wait(number)
        assert cluster.job(number)['JobState'] == 'COMPLETED', output(config, number)
        assert len(json.loads((tmp_path / 'work/search.json').read_text())['rounds']) == done
    assert len(numbers) == 3
    assert tickets(tmp_path) == undisturbed
