"""Scores for processes of their own, since they stay registered where they are imported."""

from typing import Any

import torch

from mmlth.engine.registry import SCORES
from mmlth.pruning.scores import Snip


@SCORES.register_module()
def dice(inputs: Any) -> Any:
    """Scores at random, so differently in processes that are seeded differently."""
    return {name: torch.rand_like(weight) for name, weight in inputs.weights.items()}


@SCORES.register_module()
class Feeling(Snip):
    """SNIP, where each loss is averaged over the processes, as some detectors do it."""

    def __call__(self, inputs: Any) -> Any:
        model = inputs.network.model
        hook = model.register_forward_hook(_average)
        try:
            return super().__call__(inputs)
        finally:
            hook.remove()


def _average(model: Any, inputs: Any, outputs: Any) -> None:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(outputs['loss'].detach().clone())
