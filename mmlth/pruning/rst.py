"""Random subnetworks by regularisation (RST) of Dual LTH: functions of the algorithm.

Bai et al., *Dual Lottery Ticket Hypothesis* (ICLR 2022, https://arxiv.org/abs/2203.04248): instead
of searching for a mask, a random one is drawn, and a growing penalty on the weights outside of it
moves what they know into those inside, before they are removed.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from mmlth.pruning.errors import PruningError
from mmlth.pruning.mask import Mask


def random_subset(weights: Mapping[str, Tensor], sparsity: float, seed: int = 0) -> Mask:
    """A mask that prunes a random subset P of each layer, but never a whole one.

    Of a layer of n weights it prunes the whole number nearest to n · sparsity, at most n − 1. No
    generator but its own is drawn from, so the same seed gives the same mask whatever else is
    random, on every process.

    Args:
        weights: Tensors of any dtype by parameter name, of which only shapes matter.
        sparsity: Share of each layer to prune, in (0, 1).
        seed: Another one draws another subset.

    Raises:
        PruningError: If the sparsity is out of range.
    """
    if not 0 < sparsity < 1:
        raise PruningError(f'sparsity must lie between 0 and 1 (excluded), got {sparsity}')
    generator = torch.Generator().manual_seed(seed)
    kept = {}
    for name, weight in weights.items():
        count = max(min(round(weight.numel() * sparsity), weight.numel() - 1), 0)
        flat = torch.ones(weight.numel(), dtype=torch.bool)
        flat[torch.randperm(weight.numel(), generator=generator)[:count]] = False
        kept[name] = flat.view(weight.shape)
    return Mask(kept)


def penalty(iteration: int, step: float = 1e-4, every: int = 5, limit: float = 1.0) -> float:
    """λ while an iteration trains: ``step`` more after every ``every`` iterations, up to ``limit``.

    Args:
        iteration: Number of iterations that are done.
        step: How much λ grows at a time.
        every: After how many iterations.
        limit: The largest λ.

    Example:
        >>> [penalty(t, step=0.5, every=2) for t in range(6)]
        [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]
    """
    return min(limit, step * (iteration // every))


def growth(step: float = 1e-4, every: int = 5, limit: float = 1.0) -> int:
    """The number of iterations after which λ is at its limit: 50,000 by the paper's numbers.

    Args:
        step: As of `penalty`.
        every: As of `penalty`.
        limit: As of `penalty`.
    """
    return every * math.ceil(limit / step - 1e-9)  # 1 / 1e-4 is no whole number in floats


def add_penalty(parameter: Tensor, pruned: Tensor, strength: float) -> None:
    """Adds λ · w to the gradient where a weight is in P, in place: the gradient of ½ λ ‖w_P‖².

    Args:
        parameter: A parameter w; one without a gradient is left as it is.
        pruned: Bool tensor of its shape, true in P.
        strength: λ.
    """
    if parameter.grad is not None:
        with torch.no_grad():
            parameter.grad.addcmul_(parameter, pruned.to(parameter), value=strength)
