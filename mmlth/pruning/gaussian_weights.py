"""Gaussian weights: a mean and a deviation for each, drawn anew in each forward pass of a training.

Mean-field variational inference by the reparametrised gradient: Blundell et al., *Weight
Uncertainty in Neural Networks* (ICML 2015, https://arxiv.org/abs/1505.05424). The mean is the
parameter that the layer has anyway, under its own name, so that without drawing the network is the
one of the means. Beside it stands log σ as a parameter of its own, whose name ends in
`LOG_DEVIATION`: whatever an optimizer does to it, σ is positive. Where a weight is pruned its mean
and what stands for log σ are zero (see `Masked.set_mask`), nothing is drawn, and σ counts as 0.
"""

import math
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from mmlth.pruning.deviations import LOG_DEVIATION
from mmlth.pruning.errors import PruningError
from mmlth.pruning.masked_modules import Masked


def kaiming_scale(weight: Tensor) -> float:
    """√(2 / fan-in), the deviation of He's initialisation; fan-ins are counted as torch does it.

    Args:
        weight: A weight of at least two dimensions, outputs first.
    """
    return math.sqrt(2 / max(1, weight[0].numel()))


def add_deviations(model: nn.Module, names: Iterable[str], scale: float = 0.01) -> list[str]:
    """Puts log σ beside weights, in place; those that have one already keep it.

    Args:
        model: The model, masked or not.
        names: The weights by name.
        scale: σ in units of `kaiming_scale`, more than 0.

    Returns:
        The names of the new parameters.
    """
    added = []
    for name in names:
        path, _, attribute = name.rpartition('.')
        module, beside = model.get_submodule(path), f'{attribute}{LOG_DEVIATION}'
        if beside in module._parameters:
            continue
        mean = module._parameters[attribute]
        if mean is None:
            raise PruningError(f'{name!r} is no parameter of the model')
        start = torch.full_like(mean, math.log(scale * kaiming_scale(mean)))
        module.register_parameter(beside, nn.Parameter(start))
        if isinstance(module, Masked) and attribute in module.pruned:
            module.set_mask(attribute, ~module.pruned[attribute])
        added.append(f'{name}{LOG_DEVIATION}')
    return added


@torch.no_grad()
def reset_deviations(model: nn.Module, scale: float) -> None:
    """Gives all Gaussian weights the σ that `add_deviations` begins with, but for pruned ones.

    Args:
        model: The model.
        scale: As of `add_deviations`.
    """
    for mean, log_deviation, pruned in _gaussian(model):
        log_deviation.fill_(math.log(scale * kaiming_scale(mean)))
        if pruned is not None:
            log_deviation.masked_fill_(pruned, 0)


def gaussian_weights(model: nn.Module) -> Iterator[tuple[nn.Parameter, nn.Parameter]]:
    """The mean and log σ of each Gaussian weight of a model, once each."""
    for mean, log_deviation, _ in _gaussian(model):
        yield mean, log_deviation


def draw_weights(model: nn.Module) -> int:
    """Lets layers compute with μ + σ · ε, with a new ε, until `restore_means`.

    Backward passes reach μ and log σ. Parameters, names and ``state_dict()`` are those of before.
    Layers that share a weight share what is drawn. Weights that are frozen meanwhile stay at their
    means. ε is of torch's generator of the device.

    Args:
        model: The model, whose forward pass follows.

    Returns:
        How many tensors were drawn.
    """
    drawn: dict[int, Tensor] = {}
    for mean, log_deviation, pruned in _gaussian(model):
        if not mean.requires_grad:
            continue
        weight = mean + log_deviation.exp() * torch.randn_like(mean)
        drawn[id(mean)] = weight if pruned is None else weight.masked_fill(pruned, 0)
    for module in model.modules():
        for attribute, parameter in module._parameters.items():
            if id(parameter) in drawn:
                # Found before the parameter of that name, which stays where it is.
                module.__dict__[attribute] = drawn[id(parameter)]
    return len(drawn)


def restore_means(model: nn.Module) -> None:
    """Ends what `draw_weights` began: layers compute with their means."""
    for module in model.modules():
        for attribute in module._parameters:
            module.__dict__.pop(attribute, None)


@torch.no_grad()
def add_prior_gradient(
    model: nn.Module, prior: float, strength: float, among: Iterable[Tensor] | None = None
) -> None:
    """Adds the gradient of the divergence from the prior, in closed form, to the gradients.

    Of `divergence` it is μ / s² for a mean and σ² / s² − 1 for log σ. What has no gradient, as a
    layer that a batch does not use, gets none.

    Args:
        model: The model, after a backward pass.
        prior: As of `divergence`.
        strength: What the gradient is multiplied by.
        among: The parameters whose gradients it is added to; None: all.
    """
    chosen = None if among is None else {id(parameter) for parameter in among}
    for mean, log_deviation, pruned in _gaussian(model):
        if chosen is not None and id(mean) not in chosen:
            continue
        variance = (prior * kaiming_scale(mean)) ** 2
        if mean.grad is not None:
            mean.grad.add_(mean, alpha=strength / variance)
        if log_deviation.grad is not None:
            slope = (2 * log_deviation).exp() / variance - 1
            if pruned is not None:
                slope = slope.masked_fill(pruned, 0)
            log_deviation.grad.add_(slope, alpha=strength)


def divergence(model: nn.Module, prior: float) -> Tensor:
    """The Kullback-Leibler divergence of the Gaussian weights from their prior.

    The prior of each weight is N(0, s²) with s = ``prior`` · `kaiming_scale`. Pruned weights, which
    are no random numbers, do not count.

    Args:
        model: The model.
        prior: The deviation of the prior in units of `kaiming_scale`.

    Returns:
        A float64 scalar with its graph, in nats.
    """
    total = torch.zeros((), dtype=torch.float64)
    for mean, log_deviation, pruned in _gaussian(model):
        scale = prior * kaiming_scale(mean)
        ratio = (mean / scale).square() + (log_deviation.exp() / scale).square()
        each = math.log(scale) - log_deviation + (ratio - 1) / 2
        if pruned is not None:
            each = each.masked_fill(pruned, 0)
        total = total + each.sum(dtype=torch.float64).cpu()
    return total


def _gaussian(model: nn.Module) -> Iterator[tuple[nn.Parameter, nn.Parameter, Tensor | None]]:
    """Mean, log σ and what is pruned of each Gaussian weight; a shared one once."""
    seen = set()
    for module in model.modules():
        pruned = module.pruned if isinstance(module, Masked) else {}
        for attribute, mean in module._parameters.items():
            log_deviation = module._parameters.get(f'{attribute}{LOG_DEVIATION}')
            if mean is not None and log_deviation is not None and id(mean) not in seen:
                seen.add(id(mean))
                yield mean, log_deviation, pruned.get(attribute)
