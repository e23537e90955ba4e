"""ONNX files from torch's exporter by tracing."""

import contextlib
import inspect
import io
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from mmlth.engine.errors import LotteryError
from mmlth.engine.exporting.part import Outputs, Part
from mmlth.messages import reason

INPUT = 'image'
"""The name of the input."""
Axes = dict[str, dict[int, str]]


@contextlib.contextmanager
def tracing_quietly() -> Iterator[None]:
    """Without warnings about tracing, and without the graph that torch prints where it fails."""
    core: Any = torch._C
    log = core._jit_onnx_log
    core._jit_onnx_log = lambda *_: None
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter('ignore')
            yield
    finally:
        core._jit_onnx_log = log


def batch_axes(part: Part, images: Tensor, expected: Outputs) -> Axes:
    """The axes that vary with the number of images; none if the model takes only one.

    Args:
        part: The part of a model.
        images: Two images, float32 [2, C, H, W].
        expected: The outputs for one of them, by name.
    """
    try:
        outputs = part.forward(images)
    except Exception:  # whatever a model's own code raises
        return {}
    axes: Axes = {INPUT: {0: 'batch'}}
    for name, one in expected.items():
        two = outputs.get(name)
        if two is None or two.dim() != one.dim():
            return {}
        axes[name] = {
            axis: 'batch' if sizes == (1, 2) else f'{name}_{axis}'
            for axis, sizes in enumerate(zip(one.shape, two.shape))
            if sizes[0] != sizes[1]
        }
    return axes


def trace(part: Part, image: Tensor, expected: Outputs, axes: Axes, opset: int) -> bytes:
    """The content of an ONNX file.

    Args:
        part: The part of a model that it computes.
        image: An example of its input.
        expected: The outputs for that, by name.
        axes: The axes of inputs and outputs that vary, by name; see `batch_axes`.
        opset: Version of the ONNX operators.

    Raises:
        LotteryError: If torch cannot export it, or by operators that ONNX lacks.
    """
    import onnx

    # The model itself is traced, not a module around it, for the sake of its weights' names.
    part.module.forward = lambda images: tuple(part.forward(images).values())
    options: dict[str, Any] = {}
    if 'dynamo' in inspect.signature(torch.onnx.export).parameters:
        options['dynamo'] = False  # older versions of torch have this exporter only
    buffer: Any = io.BytesIO()
    try:
        torch.onnx.export(
            part.module,
            (image,),
            buffer,
            input_names=[INPUT],
            output_names=list(expected),
            dynamic_axes=axes,
            opset_version=opset,
            # Else batch norms are merged into convolutions and matrices transposed.
            do_constant_folding=False,
            **options,
        )
    except Exception as error:  # torch and the operators' own code raise anything
        raise LotteryError(
            f'torch cannot export {part.model} to ONNX: {reason(error)}; give another '
            f'--opset (opset){part.alternative}'
        ) from error
    finally:
        del part.module.forward
    nodes = onnx.load_from_string(buffer.getvalue()).graph.node
    foreign = sorted({node.op_type for node in nodes if node.domain not in ('', 'ai.onnx')})
    if foreign:
        raise LotteryError(
            f'{part.model} has operators that ONNX lacks and stock runtimes do not know: '
            f'{", ".join(foreign)}'
            + ("; try --part features (part='features')" if part.name == 'network' else '')
        )
    return buffer.getvalue()
