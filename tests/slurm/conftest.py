"""A real Slurm on this machine, for the tests that want one."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from cluster import Cluster

SCRIPT = Path(__file__).with_name('cluster.sh')
NEEDED = ('munged', 'slurmctld', 'slurmd', 'srun', 'sbatch')


@pytest.fixture(scope='session')
def cluster():
    if os.geteuid() != 0:
        pytest.skip('a Slurm cluster of its own needs root')
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f'{", ".join(missing)} not found: apt-get install slurm-wlm munge')
    # Not pytest's folder, which munge refuses since others cannot enter it.
    folder = Path(tempfile.mkdtemp(prefix='mmlth-slurm-'))
    try:
        subprocess.run([SCRIPT, 'up', folder, str(_free_ports())], check=True)  # noqa: S603
        yield Cluster(folder / 'slurm.conf')
    finally:
        subprocess.run([SCRIPT, 'down', folder], check=False)  # noqa: S603
        shutil.rmtree(folder, ignore_errors=True)


def _free_ports():
    """The first of two ports that follow each other and are free."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(('127.0.0.1', 0))
            port = one.getsockname()[1]
            try:
                two.bind(('127.0.0.1', port + 1))
            except (OSError, OverflowError):
                continue
            return port
