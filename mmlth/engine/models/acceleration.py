"""Networks of MMEngine made faster by sparse layers."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from mmlth.engine.models.forward import forward_of
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
    return accelerate_network(
        model,
        *(_run_of(model, example) for example in examples),
        show=show,
    )


def _run_of(model: nn.Module, example: Any) -> Any:
    """A run on an image of noise, where an example is a size and the model wants more than that."""
    size = isinstance(example, tuple) and len(example) == 2
    if not size or not hasattr(model, 'data_preprocessor'):
        return example

    def run(network: nn.Module) -> None:
        forward_of(network, *example).whole()

    def run_features(network: nn.Module) -> None:
        forward_of(network, *example).features()  # type: ignore[misc]

    try:
        with torch.no_grad():
            trial = copy.deepcopy(model)
            trial.eval()
            run(trial)
    except Exception:  # a head that needs more than an image raises anything
        if forward_of(model, *example).features is not None:
            return run_features
    return run
