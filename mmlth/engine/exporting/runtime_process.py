"""A network in another runtime, in a process of its own.

A runtime that crashes ends its process and not ours, what it prints does not mix with our output,
and its threads are not those of torch.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mmlth.engine.errors import LotteryError

SCRIPTS = Path(__file__).parent / 'scripts'
"""What is started by its path, without mmlth."""

_KEEPING_MEMORY = {'MALLOC_MMAP_MAX_': '0', 'MALLOC_TRIM_THRESHOLD_': str(2**31 - 1)}
"""What makes glibc keep memory that is freed, as the kernel of `mmlth.runtime` does."""


class RuntimeProcess:
    """A file that is open in a runtime.

    Args:
        runtime: ``'onnxruntime'``, ``'openvino'`` or ``'mnn'``.
        content: The content of the file: ONNX for the first two.
        names: The outputs that are wanted.
        threads: How many threads the runtime may use.
    """

    def __init__(
        self, runtime: str, content: bytes, names: Sequence[str], threads: int = 1
    ) -> None:
        self._runtime = runtime
        self._folder = tempfile.TemporaryDirectory(prefix='mmlth_')
        file = self._path('network.mnn' if runtime == 'mnn' else 'network.onnx')
        file.write_bytes(content)
        start = {'runtime': runtime, 'file': str(file), 'names': [*names], 'threads': threads}
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, str(SCRIPTS / 'serve.py'), json.dumps(start)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_KEEPING_MEMORY, 'OMP_NUM_THREADS': str(threads)},
            text=True,
        )

    def run(self, images: Tensor) -> list[NDArray[Any]]:
        """Runs images, float32 [N, C, H, W], and returns the outputs.

        Raises:
            LotteryError: If the runtime cannot run the file.
        """
        given, results = self._path('images.npy'), self._path('outputs.npz')
        np.save(given, images.numpy())
        self._request('run', str(given), str(results))
        with np.load(results) as outputs:
            return [outputs[name] for name in outputs.files]

    def seconds(self) -> float:
        """Runs the same images twice; returns how long the second run took.

        Raises:
            LotteryError: If the runtime cannot run the file.
        """
        return float(self._request('time')['seconds'])

    def __enter__(self) -> 'RuntimeProcess':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()  # the end of its input ends it
        self._folder.cleanup()

    def _path(self, name: str) -> Path:
        return Path(self._folder.name) / name

    def _request(self, *words: str) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:  # they are pipes
            raise ValueError('the process has no pipes')
        with contextlib.suppress(BrokenPipeError):  # of one that has ended: it says why
            print(json.dumps(words), file=stdin, flush=True)
        line = stdout.readline()
        problem = json.loads(line).get('error') if line else ended_by(self._process.wait())
        if problem:
            raise LotteryError(f'{self._runtime} cannot run the file: {problem.splitlines()[0]}')
        return json.loads(line)


def ended_by(code: int) -> str:
    """How a process has ended, by its exit code."""
    if code < 0:
        return f'its process was ended by {signal.Signals(-code).name}'
    return f'its process ended with exit code {code}'
