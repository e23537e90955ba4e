"""Chance, which every other score is to be compared with."""

import torch
from torch import Tensor

from mmlth.pruning.score_inputs import ScoreInputs


def random(inputs: ScoreInputs, seed: int = 0) -> dict[str, Tensor]:
    """Independent uniform random numbers.

    They depend on the seeds and on the names and shapes of the weights alone, so all rounds of a
    search share one order in which weights go.

    Args:
        inputs: Its ``seed`` is that of the search.
        seed: Added to the seed of the search.

    Returns:
        Scores by name, float32, on the CPU.
    """
    generator = torch.Generator().manual_seed(inputs.seed + seed)
    return {name: torch.rand(kept.shape, generator=generator) for name, kept in inputs.mask.items()}
