"""What the Slurm scripts submit and start, told by stand-ins for Slurm's commands."""

import subprocess

import pytest
from plain import ROOT, plain_environment

STAND_IN = '#!/bin/sh\necho "$(basename "$0")" "$@"\n'


@pytest.fixture
def started(tmp_path):
    """Runs a script; returns its exit code and a line for each command that it started."""
    for name in ('sbatch', 'srun', 'scontrol', 'python'):
        (tmp_path / name).write_text(STAND_IN)
        (tmp_path / name).chmod(0o755)

    def run(script, *arguments, **environment):
        variables = plain_environment(**environment)
        variables['PATH'] = f'{tmp_path}:{variables["PATH"]}'
        done = subprocess.run(  # noqa: S603
            [str(ROOT / 'tools' / script), *arguments],
            capture_output=True,
            text=True,
            env=variables,
            cwd=tmp_path,
        )
        return done.returncode, (done.stdout + done.stderr).splitlines()

    run.folder = tmp_path
    return run


def test_several_machines_with_gpus(started):
    code, lines = started('slurm_train.sh', 'gpu', 'job', 'config.py', GPUS='16')
    assert code == 0
    assert lines[0].startswith(
        'sbatch --partition=gpu --job-name=job --ntasks=16 --gres=gpu:8 --ntasks-per-node=8 '
        '--cpus-per-task=5 --requeue --open-mode=append --signal=USR1@120 '
    )
    assert lines[0].endswith('tools/slurm_train.sh gpu job config.py')


def test_few_gpus_and_options_of_the_job(started):
    _, lines = started(
        'slurm_train.sh', 'gpu', 'job', 'config.py', GPUS='2', SBATCH_ARGS='--qos=long --time=5'
    )
    assert '--ntasks=2 --gres=gpu:2 --ntasks-per-node=2 ' in lines[0]
    assert ' --qos=long --time=5 ' in lines[0]


def test_inside_a_job_it_trains_and_resumes(started):
    environment = {'SLURM_JOB_ID': '7', 'GPUS': '2', 'SRUN_ARGS': '-l', 'PY_ARGS': '--amp'}
    arguments = ['gpu', 'job', 'config.py', 'work', '--rounds', '2']
    code, lines = started('slurm_train.sh', *arguments, **environment)
    assert code == 0
    assert lines == [
        'srun --ntasks=2 --cpus-per-task=5 --kill-on-bad-exit=1 -l python -u -m mmlth train '
        'config.py --launcher slurm --resume --work-dir work --rounds 2 --amp'
    ]


@pytest.mark.parametrize(
    ('code', 'requeued'),
    [(75, True), (138, True), (0, False), (1, False), (137, False), (143, False)],
)
def test_only_a_preempted_search_goes_back_into_the_queue(started, code, requeued):
    (started.folder / 'srun').write_text(f'#!/bin/sh\nexit {code}\n')
    result, lines = started('slurm_train.sh', 'gpu', 'job', 'config.py', SLURM_JOB_ID='7')
    assert result == code
    assert lines[:1] == (['scontrol requeue 7'] if requeued else [])
    if requeued:
        assert lines[-1] == 'slurm_train.sh: that is no failure; job 7 goes back into the queue'
    assert ('longer --time' in ''.join(lines)) == (code == 138)


@pytest.mark.parametrize(
    ('script', 'arguments', 'environment', 'told'),
    [
        ('slurm_train.sh', ['gpu', 'job'], {}, 'usage: slurm_train.sh PARTITION JOB CONFIG'),
        ('slurm_train.sh', ['gpu', 'job', 'c.py'], {'GPUS': 'all'}, 'GPUS and GPUS_PER_NODE are'),
        ('slurm_rounds.sh', ['gpu', 'job', 'c.py'], {}, 'usage: slurm_rounds.sh PARTITION JOB'),
        ('slurm_rounds.sh', ['gpu', 'job', 'c.py', '-1'], {}, "ROUNDS is a number, got '-1'"),
        ('slurm_rounds.sh', ['a', 'b', 'c.py', '2'], {'SLURM_JOB_ID': '7'}, 'is not to be run'),
    ],
)
def test_bad_input_ends_in_one_line(started, script, arguments, environment, told):
    code, lines = started(script, *arguments, **environment)
    assert code == 2
    assert len(lines) == 1
    assert told in lines[0]
