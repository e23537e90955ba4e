"""Files of MNN from ONNX files; their sparse layers are marked, so that MNN skips the zeros.

MNN's converter decides which: those in which more than 60 % of the weights are zero. The others,
and all layers of a file without marks, are multiplied as dense ones. Where the weights that are
kept come in blocks of four output channels, MNN has other kernels, which load an input once for
all four; the converter needs an option for that, and marks what has more than 30 % zeros then.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from mmlth.engine.errors import LotteryError
from mmlth.engine.exporting.runtime_process import SCRIPTS, ended_by

_BLOCKS_OF_FOUR = b'\x0a\x050.0.0\x12\x0a\x08\x01\x1a\x06\x08\x01\x1a\x02\x20\x04'
"""What tells the converter: ``Pipeline(version='0.0.0', algo=[CompressionAlgo(type=PRUNE,
prune_params=PruneParams(type=SIMD_OC, simd_oc_pruner_params=(oc_blocks=[4])))])`` of MNN's
``MNN_compression.proto``."""
_BLOCK, _SPARSE, _FILLED = 4, 0.6, 0.9
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
        if sparse and comes_in_blocks(content):
            blocks = Path(folder, 'blocks')
            blocks.write_bytes(_BLOCKS_OF_FOUR)
            options += ['--compressionParamsFile', str(blocks)]
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


def comes_in_blocks(content: bytes) -> bool:
    """Whether what sparse layers keep fills blocks of four output channels, by nine tenths.

    A block are the weights of four neighbouring output channels at one input channel and place in
    the kernel.

    Args:
        content: The content of an ONNX file, whose weights are [outputs, inputs, …].
    """
    import onnx

    graph = onnx.load_from_string(content).graph
    # Of these weights, channels of the output are another dimension; MNN has no blocks for them.
    transposed = {node.input[1] for node in graph.node if node.op_type == 'ConvTranspose'}
    kept = blocks = 0
    for tensor in graph.initializer:
        weight = onnx.numpy_helper.to_array(tensor) != 0
        if (
            tensor.name in transposed
            or weight.ndim < 2
            or weight.size == 0
            or weight.mean() >= 1 - _SPARSE
        ):
            continue
        whole = weight[: len(weight) // _BLOCK * _BLOCK].reshape(-1, _BLOCK, weight[0].size)
        kept += int(whole.sum())
        blocks += int(whole.any(1).sum())
    return 0 < _FILLED * _BLOCK * blocks <= kept


def _problem(done: subprocess.CompletedProcess[str]) -> str:
    """What the converter printed of its failure, or how its process ended."""
    lines = [_PLACE.sub('', line).strip() for line in done.stdout.splitlines()]
    telling = [line for line in lines if _FAILURE.search(line)]
    return telling[0] if telling else ended_by(done.returncode)
