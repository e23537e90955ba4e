"""Commands against a Slurm cluster that the tests brought up."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from plain import ROOT, plain_environment


@dataclass(frozen=True)
class Cluster:
    """Runs commands against the cluster whose slurm.conf is given."""

    config: Path
    two_processes: ClassVar = {'GPUS': 2, 'GPUS_PER_NODE': 0, 'CPUS_PER_TASK': 1}

    def __call__(self, *command, cwd=None, **environment):
        """Runs a command to its end; returns what it printed."""
        done = subprocess.run(  # noqa: S603
            [str(part) for part in command],
            cwd=cwd,
            env=plain_environment(SLURM_CONF=self.config, **environment),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def train(self, config, *arguments, **environment):
        """Submits a search by two processes on CPUs; returns the job's number."""
        script = ROOT / 'tools/slurm_train.sh'
        options = {**self.two_processes, **environment}
        out = self(script, 'debug', 'search', config, *arguments, cwd=config.parent, **options)
        return int(out.split()[-1])

    def job(self, number):
        """What Slurm tells of a job: JobState, Restarts, ExitCode, …"""
        words = self('scontrol', '--oneliner', 'show', 'job', number).split()
        return dict(word.split('=', 1) for word in words if '=' in word)

    def wait(self, number, *states):
        """Waits until a job is in one of the states; by default until it is over."""
        states = states or ('COMPLETED', 'FAILED', 'CANCELLED', 'TIMEOUT')
        return wait_until(lambda: self.job(number)['JobState'] in states)


def wait_until(happened, seconds=240):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f'waited {seconds} seconds in vain'
        time.sleep(0.2)
