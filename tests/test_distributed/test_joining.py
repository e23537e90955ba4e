"""Joining processes without GPUs: where each launcher tells a process its place, and bad input."""

import os

import pytest
import torch.distributed
from mmengine.config import Config
from mmengine.dist import get_rank, get_world_size
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from mmlth.engine import LotteryError
from mmlth.engine.machine.processes import join_processes

STARTED = {
    'pytorch': ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}
ENVIRONMENT = ['MASTER_ADDR', 'MASTER_PORT', 'TORCHELASTIC_RUN_ID', 'OMPI_COMM_WORLD_LOCAL_SIZE']


@pytest.fixture(autouse=True)
def cpu(monkeypatch):
    """No GPU, no launcher, and what a test sets is undone."""
    monkeypatch.setattr('mmlth.engine.machine.processes.get_device', lambda: 'cpu')
    for name in (*ENVIRONMENT, *(name for names in STARTED.values() for name in names)):
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def start(monkeypatch, launcher):
    """What a launcher sets for the only process of a job."""
    for name, value in zip(STARTED[launcher], ('0', '1', '0')):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv('MASTER_ADDR', '127.0.0.1')
    monkeypatch.setenv('MASTER_PORT', '0')  # any that is free


@pytest.mark.parametrize('launcher', STARTED)
def test_a_process_finds_its_place_by_each_launcher(monkeypatch, launcher):
    start(monkeypatch, launcher)
    config = Config({'launcher': launcher, 'env_cfg': {'dist_cfg': {'backend': 'nccl'}}})
    join_processes(config)
    assert torch.distributed.get_backend() == 'gloo'
    assert (get_rank(), get_world_size(), os.environ['LOCAL_RANK']) == (0, 1, '0')
    wrapper = config.model_wrapper_cfg.to_dict()
    module = nn.Linear(1, 1)
    MODEL_WRAPPERS.build({**wrapper, 'module': module})  # device_ids=[0] would be refused
    assert wrapper.pop('device_ids') is None
    assert wrapper == {
        'type': 'MMDistributedDataParallel',
        'broadcast_buffers': False,
        'find_unused_parameters': False,
    }


def test_port_and_timeout_of_the_config_hold(monkeypatch):
    start(monkeypatch, 'slurm')
    options = {'backend': 'nccl', 'port': 0, 'timeout': 77}
    join_processes(Config({'launcher': 'slurm', 'env_cfg': {'dist_cfg': options}}))
    group = torch.distributed.group.WORLD
    assert group._get_backend(torch.device('cpu')).options._timeout.total_seconds() == 77


def test_the_wrapper_of_the_config_holds(monkeypatch):
    start(monkeypatch, 'pytorch')
    config = Config({'launcher': 'pytorch', 'model_wrapper_cfg': {'static_graph': True}})
    join_processes(config)
    assert config.model_wrapper_cfg.to_dict() == {
        'type': 'MMDistributedDataParallel',
        'static_graph': True,
        'device_ids': None,
    }


def test_one_process_stays_alone():
    config = Config({'launcher': 'none'})
    join_processes(config)
    assert not torch.distributed.is_initialized()
    assert config.to_dict() == {'launcher': 'none'}


def test_with_gpus_mmengine_makes_the_group(monkeypatch):
    monkeypatch.setattr('mmlth.engine.machine.processes.get_device', lambda: 'cuda')
    start(monkeypatch, 'mpi')
    config = Config({'launcher': 'mpi'})
    join_processes(config)
    assert not torch.distributed.is_initialized()
    assert 'model_wrapper_cfg' not in config
    assert os.environ['LOCAL_RANK'] == '0'  # MMEngine's own launcher for MPI forgets it


@pytest.mark.parametrize('launcher', STARTED)
def test_a_process_that_the_launcher_did_not_start_is_told(launcher):
    with pytest.raises(LotteryError, match=f'{STARTED[launcher][0]} is not set; start by'):
        join_processes(Config({'launcher': launcher}))


def test_bad_launchers_are_told(monkeypatch):
    with pytest.raises(LotteryError, match="pytorch, slurm, mpi, got 'k8s'"):
        join_processes(Config({'launcher': 'k8s'}))
    monkeypatch.setenv('WORLD_SIZE', '2')
    monkeypatch.setenv('TORCHELASTIC_RUN_ID', 'none')
    with pytest.raises(LotteryError, match='give --launcher pytorch'):
        join_processes(Config({}))


def test_an_unknown_first_machine_is_told(monkeypatch):
    for launcher in ('mpi', 'slurm'):
        start(monkeypatch, launcher)
        monkeypatch.delenv('MASTER_ADDR')
        monkeypatch.setenv('PATH', '')
        with pytest.raises(LotteryError, match='MASTER_ADDR is not set'):
            join_processes(Config({'launcher': launcher}))


@pytest.mark.parametrize(
    'changes',
    [
        {'model': {'backbone': {'norm_cfg': {'type': 'SyncBN'}}}},
        {'model': {'heads': [{'norm_cfg': {'type': nn.SyncBatchNorm}}]}},
        {'model': {}, 'sync_bn': 'torch'},
    ],
)
def test_norms_that_need_gpus_are_refused(monkeypatch, changes):
    start(monkeypatch, 'pytorch')
    with pytest.raises(LotteryError, match='on GPUs only'):
        join_processes(Config({'launcher': 'pytorch', **changes}))
