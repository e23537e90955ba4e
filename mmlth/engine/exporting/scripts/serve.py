"""Runs a file in onnxruntime, OpenVINO or MNN, as the standard input asks.

Nothing of mmlth or torch is imported, so that it starts at once and the runtime has the process,
with its threads, for itself. What the runtime prints goes to the standard error. The first argument
is JSON: ``runtime``, ``file``, the ``names`` of the outputs, ``threads``. Then each line is a
request in JSON, and is answered by a line of JSON:

- ``["run", "IN.npy", "OUT.npz"]`` runs images and writes the outputs: ``{}``;
- ``["time"]`` runs the same images twice and measures the second run: ``{"seconds": 0.25}``.

Where the runtime fails, the answer is ``{"error": "what it says"}``, and the script ends.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

Run = Callable[[], list[Any]]
Bind = Callable[[Any], Run]
"""Takes images, float32 [N, C, H, W], and returns what runs them."""
INPUT = 'image'


def onnxruntime(file: str, names: list[str], threads: int) -> Bind:
    """All graph optimisations, as is the default; operators run one after another."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Else its threads keep the cores busy for a while after a run, when others have their turn.
    options.add_session_config_entry('session.force_spinning_stop', '1')
    session = onnxruntime.InferenceSession(file, options, ['CPUExecutionProvider'])

    def bind(images: Any) -> Run:
        binding = session.io_binding()  # outputs are not copied
        binding.bind_cpu_input(INPUT, images)
        for name in names:
            binding.bind_output(name)

        def run() -> list[Any]:
            session.run_with_iobinding(binding)
            return list(binding.get_outputs())

        return run

    return bind


def openvino(file: str, names: list[str], threads: int) -> Bind:
    """One image after another as fast as can be, in float32 also where bfloat16 were faster."""
    import openvino

    settings = {
        'INFERENCE_NUM_THREADS': threads,
        'INFERENCE_PRECISION_HINT': 'f32',
        'PERFORMANCE_HINT': 'LATENCY',
    }
    compiled = openvino.Core().compile_model(file, 'CPU', settings)
    request = compiled.create_infer_request()

    def bind(images: Any) -> Run:
        def run() -> list[Any]:
            results = request.infer([images], share_inputs=True, share_outputs=True)
            return [results[name] for name in names]

        return run

    return bind


def mnn(file: str, names: list[str], threads: int) -> Bind:
    """In float32 on the CPU; whether layers are sparse is up to the file."""
    import MNN

    settings = {'backend': 'CPU', 'numThread': threads, 'precision': 'high'}
    manager = MNN.nn.create_runtime_manager((settings,))
    module = MNN.nn.load_module_from_file(file, [INPUT], names, runtime_manager=manager)

    def bind(images: Any) -> Run:
        planes = MNN.expr.const(images, list(images.shape), MNN.expr.NCHW)

        def plain(output: Any) -> Any:
            packed = output.data_format == MNN.expr.NC4HW4
            return (MNN.expr.convert(output, MNN.expr.NCHW) if packed else output).read()

        return lambda: [plain(output) for output in module.forward([planes])]

    return bind


def _array(output: Any) -> Any:
    """An output as NumPy has it."""
    return output.numpy() if hasattr(output, 'numpy') else output


RUNTIMES = {'onnxruntime': onnxruntime, 'openvino': openvino, 'mnn': mnn}


def main() -> None:
    """Serves requests until the standard input ends."""
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # what libraries print is no answer

    def answer(**values: Any) -> None:
        print(json.dumps(values), file=answers, flush=True)

    try:
        start = json.loads(sys.argv[1])
        bind = RUNTIMES[start['runtime']](start['file'], start['names'], start['threads'])
        run: Run = list
        for line in sys.stdin:
            request, *paths = json.loads(line)
            if request == 'run':
                run = bind(np.load(paths[0]))
                np.savez(paths[1], *map(_array, run()))
                answer()
            else:
                run()
                started = time.perf_counter()
                run()
                answer(seconds=time.perf_counter() - started)
    except Exception as error:  # of many kinds, which runtimes keep to themselves
        answer(error=traceback.format_exception_only(error)[0].strip())


if __name__ == '__main__':
    main()
