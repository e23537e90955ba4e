"""Networks of MMEngine made faster by sparse layers."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mmlth.engine.models.forward import image_batch
from mmlth.messages import reason
from mmlth.runtime import Acceleration, Example
from mmlth.runtime import accelerate as accelerate_network


def accelerate(
    model: nn.Module,
    *examples: Example,
    show: Callable[[str], None] | None = print,
) -> Acceleration:
    """As `mmlth.runtime.accelerate`, which also takes models of MMDetection and MMPose.

    Args:
        model: A detector, a pose estimator or any other network; it is copied.
        examples: What it is to be fast on: (height, width) of images as the model gets them, after
            the test pipeline, for which a model whose heads need more than images is measured up
            to its neck; or batches, or functions that run the network they are given.
        show: Prints lines of the table as they are measured; None prints nothing.

    Raises:
        AccelerationError: If there is no example, or if the network does not run on one.
    """
    say = show or (lambda _: None)
    runs = (_run_of(model, example, say) for example in examples)
    return accelerate_network(model, *runs, show=show)


def _run_of(model: nn.Module, example: Any, show: Callable[[str], None]) -> Any:
    """A run on an image of noise, where an example is a size and the model wants more than that."""
    size = isinstance(example, tuple) and len(example) == 2
    if not size or not hasattr(model, 'data_preprocessor'):
        return example
    images, samples = image_batch(model, *example)

    def whole(network: Any) -> Any:
        outputs = network(images, samples, mode='tensor') if samples else network(images)
        # The regions of two-stage detectors are chosen by their scores: by rounding, where scores
        # are nearly alike.
        return None if hasattr(network, 'roi_head') else outputs

    def features(network: Any) -> Any:
        return network.extract_feat(images)

    if not hasattr(model, 'extract_feat'):
        return whole
    trial = copy.deepcopy(model)
    trial.eval()
    try:
        with torch.no_grad():
            whole(trial)
    except Exception as error:  # heads that need more than an image raise anything
        show(f'only backbone and neck are measured, since the heads fail: {reason(error)}')
        return features
    return whole
