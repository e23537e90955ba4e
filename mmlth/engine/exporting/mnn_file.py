"""Files of MNN from ONNX files; their sparse layers are marked, so that MNN skips the zeros.

MNN's converter decides which: those in which more than 60 % of the weights are zero. The others,
and all layers of a file without marks, are multiplied as dense ones.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from mmlth.engine.errors import LotteryError
from mmlth.engine.exporting.runtime_process import SCRIPTS, ended_by

_MARK = b'sparseBlockOC'
"""A key of what the converter stores with each layer that it marks, and with no other."""
_FAILURE = re.compile('not support|fail|error', re.IGNORECASE)
_PLACE = re.compile(r'^(\[[^]]*\] *)?(:\d+: *)?')


def mnn_from_onnx(content: bytes, sparse: bool) -> bytes:
    """Converts a file, in a process of its own.

    Args:
        content: The content of an ONNX file.
        sparse: Whether sparse layers are marked, and stored without their zeros.

    Raises:
        LotteryError: If MNN cannot convert it.
    """
    with tempfile.TemporaryDirectory(prefix='mmlth_') as folder:
        given, made = Path(folder, 'network.onnx'), Path(folder, 'network.mnn')
        given.write_bytes(content)
        options = ['-f', 'ONNX', '--modelFile', str(given), '--MNNModel', str(made)]
        options += ['--bizCode', 'MNN', *(['--detectSparseSpeedUp'] if sparse else [])]
        done = subprocess.run(  # noqa: S603
            [sys.executable, str(SCRIPTS / 'convert_to_mnn.py'), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
        )
        if done.returncode or not made.is_file():
            raise LotteryError(f'MNN cannot convert the network: {_problem(done)}')
        return made.read_bytes()


def marked_layers(content: bytes) -> int:
    """How many layers of a file of MNN are marked as sparse."""
    return content.count(_MARK)


def _problem(done: subprocess.CompletedProcess[str]) -> str:
    """What the converter printed of its failure, or how its process ended."""
    lines = [_PLACE.sub('', line).strip() for line in done.stdout.splitlines()]
    telling = [line for line in lines if _FAILURE.search(line)]
    return telling[0] if telling else ended_by(done.returncode)
