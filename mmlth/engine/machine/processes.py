"""Several processes, one search: joined by MMEngine where there are GPUs, here where not.

MMEngine's launchers call ``torch.cuda.set_device``, so they need GPUs. A process group that exists
already is used as it is, and `join_processes` makes one of CPUs, by gloo.
"""

import contextlib
import os
import subprocess
from datetime import timedelta
from typing import Any

import torch.distributed
from mmengine.device import get_device
from mmengine.dist import is_distributed
from mmengine.registry import MODEL_WRAPPERS
from torch.nn.parallel import DistributedDataParallel

from mmlth.engine.configs import values_of
from mmlth.engine.errors import LotteryError

# What starts the processes, and where it tells each its rank, their number, its local rank.
_LAUNCHERS = {
    'pytorch': ('torchrun', 'RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': ('srun', 'SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': (
        'mpirun of Open MPI',
        'OMPI_COMM_WORLD_RANK',
        'OMPI_COMM_WORLD_SIZE',
        'OMPI_COMM_WORLD_LOCAL_RANK',
    ),
}


def join_processes(cfg: Any) -> None:
    """Joins this process with the others that ``cfg.launcher`` stands for, on CPUs too.

    Args:
        cfg: A config; without GPUs its ``model_wrapper_cfg`` becomes one for CPUs.

    Raises:
        LotteryError: If the launcher is unknown or did not start this process, or if the model
            cannot be trained by several processes on CPUs.
    """
    launcher = cfg.get('launcher') or 'none'
    if not is_distributed():
        if launcher == 'none':
            _refuse_to_search_alone()
            return
        _find_place(launcher)
    if launcher == 'none' or get_device() != 'cpu':
        return
    _refuse_synchronised_norms(cfg)
    if not is_distributed():
        options = {**(cfg.get('env_cfg') or {}).get('dist_cfg', {})}
        _make_group(options)
    cfg['model_wrapper_cfg'] = _wrapper_for_cpus(cfg)


def _refuse_to_search_alone() -> None:
    count = int(os.environ.get('WORLD_SIZE', '1'))
    if count > 1 and 'TORCHELASTIC_RUN_ID' in os.environ:
        raise LotteryError(
            f'torchrun started {count} processes, but the launcher is none, so each would search '
            "by itself in the same work_dir; give --launcher pytorch (launcher='pytorch')"
        )


def _find_place(launcher: str) -> None:
    """Puts rank, number of processes and address where torch and MMEngine look for them."""
    if launcher not in _LAUNCHERS:
        raise LotteryError(
            f'the launcher must be none or one of {", ".join(_LAUNCHERS)}, got {launcher!r}'
        )
    starter, *names = _LAUNCHERS[launcher]
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise LotteryError(
            f'--launcher {launcher} (launcher={launcher!r}) is for processes that {starter} '
            f'starts, but {missing[0]} is not set; start by {starter}, or give --launcher none '
            "(launcher='none') for one process"
        )
    os.environ.update(zip(('RANK', 'WORLD_SIZE', 'LOCAL_RANK'), [os.environ[n] for n in names]))
    os.environ.setdefault('MASTER_PORT', '29500')  # MMEngine's and torch's default
    if 'MASTER_ADDR' not in os.environ:
        os.environ['MASTER_ADDR'] = _first_machine(launcher)


def _first_machine(launcher: str) -> str:
    if launcher == 'slurm':
        show = ['scontrol', 'show', 'hostnames', os.environ.get('SLURM_NODELIST', '')]
        with contextlib.suppress(OSError, subprocess.CalledProcessError, IndexError):
            return subprocess.check_output(show, text=True).split()[0]  # noqa: S603
    if os.environ.get('OMPI_COMM_WORLD_LOCAL_SIZE') == os.environ['WORLD_SIZE']:
        return '127.0.0.1'
    raise LotteryError(
        'MASTER_ADDR is not set; set it to the name of the machine of the first process'
    )


def _make_group(options: dict[str, Any]) -> None:
    """Makes the process group; ``options`` are those of ``env_cfg.dist_cfg``."""
    if options.get('port') is not None:
        os.environ['MASTER_PORT'] = str(options['port'])
    backend = options.get('backend', 'nccl')
    timeout = options.get('timeout')
    torch.distributed.init_process_group(
        'gloo' if backend == 'nccl' else backend,
        timeout=None if timeout is None else timedelta(seconds=timeout),
    )


def _wrapper_for_cpus(cfg: Any) -> dict[str, Any]:
    """MMEngine's wrapper, or the user's, without the GPU that MMEngine would name."""
    wrapper = dict(cfg.get('model_wrapper_cfg') or {})
    if not wrapper:
        unused = cfg.get('find_unused_parameters', False)
        wrapper = {'broadcast_buffers': False, 'find_unused_parameters': unused}
    wrapper.setdefault('type', 'MMDistributedDataParallel')
    kind = wrapper['type']
    kind = MODEL_WRAPPERS.get(kind) if isinstance(kind, str) else kind
    if isinstance(kind, type) and issubclass(kind, DistributedDataParallel):
        wrapper['device_ids'] = None
    return wrapper


def _refuse_synchronised_norms(cfg: Any) -> None:
    kinds = [str(kind) for kind in values_of(cfg.get('model'), 'type')]
    kinds += ['SyncBN'] if cfg.get('sync_bn') else []  # MMEngine then converts all that there are
    synchronised = [kind for kind in kinds if 'SyncBN' in kind or 'SyncBatchNorm' in kind]
    if synchronised:
        raise LotteryError(
            f'the model has norm layers of type {synchronised[0]!r}, which torch computes on '
            "GPUs only; without GPUs train by one process, or give them type='BN'"
        )
