"""Whether an ONNX file computes in onnxruntime what the model computes in torch."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mmlth.engine.errors import LotteryError
from mmlth.engine.exporting.part import Outputs, Part
from mmlth.engine.exporting.trace import INPUT
from mmlth.messages import reason

TOLERANCE = 1e-3
"""How far outputs may be apart, as a share of their largest number; rounding makes 1e-7 to 1e-4."""


@dataclass(frozen=True)
class Difference:
    """How far the outputs of onnxruntime are from those of torch, at most.

    Attributes:
        absolute: The largest difference.
        relative: The largest difference as a share of the largest number of its output.
    """

    absolute: float
    relative: float


def compare(content: bytes, expected: Outputs, images: Tensor) -> Difference:
    """Runs a file in onnxruntime, and compares its outputs with those of torch.

    Args:
        content: The content of an ONNX file.
        expected: The outputs of torch for the images, by name.
        images: The images, float32 [N, 3, H, W].

    Raises:
        LotteryError: If onnxruntime cannot run it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
        results = session.run(list(expected), {INPUT: images.numpy()})
    except Exception as error:  # of many kinds, which onnxruntime keeps to itself
        raise LotteryError(f'onnxruntime cannot run the file: {reason(error)}') from error
    differences = [
        _difference(tensor, torch.from_numpy(np.asarray(result)))
        for tensor, result in zip(expected.values(), results)
    ]
    return Difference(max(d.absolute for d in differences), max(d.relative for d in differences))


def _difference(expected: Tensor, actual: Tensor) -> Difference:
    if expected.shape != actual.shape:
        return Difference(math.inf, math.inf)
    if not expected.numel():
        return Difference(0.0, 0.0)
    expected, actual = expected.double(), actual.double()
    apart = (expected - actual).abs().masked_fill(expected == actual, 0).nan_to_num(math.inf)
    scale = expected.abs().nan_to_num(0, 0, 0).max().clamp(min=1e-12)
    return Difference(float(apart.max()), float(apart.max() / scale))


def holds(content: bytes, part: Part, images: Tensor) -> bool:
    """Whether the file is right for these images, too.

    Args:
        content: The content of an ONNX file.
        part: The part of a model that it is to compute.
        images: The images, float32 [N, 3, H, W].
    """
    try:
        return compare(content, part.forward(images), images).relative <= TOLERANCE
    except LotteryError:
        return False
