"""What timings depend on beside the network: processor, its load, versions, settings of threads."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch

_DISTRIBUTIONS = ('torch', 'numpy', 'onnxruntime', 'openvino', 'mnn')
_PREFIXES = ('OMP_', 'GOMP_', 'KMP_', 'MKL_', 'OPENBLAS_', 'ATEN_', 'DNNL_', 'ONEDNN_', 'TORCH_')
_CPU_INFO = Path('/proc/cpuinfo')


@dataclass(frozen=True)
class Machine:
    """Where timings were taken.

    Attributes:
        processor: The model of the processor, as it names itself.
        capability: The widest vector instructions that PyTorch uses on it, such as ``AVX512``.
        cores: How many logical cores this process may use.
        versions: The versions of Python and of what was measured, by package.
        environment: Variables of the environment that set threads and instructions.
    """

    processor: str
    capability: str
    cores: int
    versions: Mapping[str, str]
    environment: Mapping[str, str]


def this_machine() -> Machine:
    """The machine that this process runs on."""
    versions = {'python': platform.python_version()}
    for name in _DISTRIBUTIONS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Machine(
        _processor(),
        torch.backends.cpu.get_cpu_capability(),
        len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1,
        versions,
        {name: value for name, value in sorted(os.environ.items()) if name.startswith(_PREFIXES)},
    )


def load_average() -> float:
    """How many processes ran or waited to run, on the average of the last minute."""
    return os.getloadavg()[0]


def _processor() -> str:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text(errors='replace').splitlines():
            key, _, value = line.partition(':')
            if key.strip() == 'model name':
                return value.strip()
    return platform.processor() or platform.machine()
