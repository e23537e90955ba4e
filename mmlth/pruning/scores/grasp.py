"""GraSP: how much of the gradient flow a weight carries."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mmlth.messages import reason
from mmlth.pruning.errors import PruningError
from mmlth.pruning.score_inputs import ScoreInputs, check_place
from mmlth.pruning.scores.score import needs_at
from mmlth.pruning.scores.second_derivative import watch_functions
from mmlth.pruning.scores.temporary_weights import (
    check_count,
    check_finite,
    loss_gradients,
    temporary_weights,
)

PRODUCTS = ('exact', 'difference')
DIFFERENCE = (
    "GraSP with product='difference' is another ranking than the paper's wherever activations have "
    'kinks, as ReLU has, since its step crosses many of them: of 20 % kept, the IoU with those of '
    'the exact product was .25 to .60, by chance .11.'
)
"""What the finite difference is, for those who read its results."""
_STEP = 1e-3  # of the difference: how far the weights go, as a share of their norm


@dataclass(frozen=True)
class Grasp:
    """w ⊙ H g, g and H being gradient and Hessian of the training loss (Wang et al., ICLR 2020).

    *Picking Winning Tickets Before Training by Preserving Gradient Flow*. Without a weight the
    squared norm of the gradient changes by −2 w·(H g), to first order. The paper ranks by −w·(H g)
    and removes what is highest, so what is kept is that whose removal would lower the norm most:
    the score is w·(H g) here, where what is high is kept. It is negative for weights whose removal
    lets the gradient grow.

    The authors' code and others after it divide logits by a temperature of 200, which changes 10
    to 16 % of the weights kept. Losses of detectors have no such place, so here the loss is taken
    as it is.

    Attributes:
        batches: Number of batches of training data that g and H g are summed over.
        at: Which weights w are, ``'start'`` (θ_k, as in the paper) or ``'trained'``.
        product: How H g is computed: ``'exact'``, as in the paper, by differentiating twice, which
            layers on regions, hard sigmoids and others do not allow; ``'difference'``: from the
            gradients at two points a little way along g, which any network allows. That is
            another ranking: see `DIFFERENCE`.
    """

    batches: int = 1
    at: str = 'start'
    product: str = 'exact'

    def __post_init__(self) -> None:
        check_count(self, 'batches')
        check_place(self.at)
        if self.product not in PRODUCTS:
            raise PruningError(
                f'product must be one of {", ".join(PRODUCTS)}, got {self.product!r}'
            )

    @property
    def needs(self) -> frozenset[str]:
        """The network, and θ_k where it is evaluated there."""
        return needs_at(self.at)

    def __call__(self, inputs: ScoreInputs) -> dict[str, Tensor]:
        """Scores by name; for arguments and errors see `Score`."""
        state = inputs.state(self.at)
        weights, gradients = loss_gradients(inputs, state, self.batches)
        for name, kept in inputs.mask.items():
            gradients[name] *= kept.to(gradients[name].device)  # pruned weights have no flow
        compute = _exact if self.product == 'exact' else _difference
        products = compute(inputs, state, weights, gradients, self.batches)
        return {name: products[name] * weight for name, weight in weights.items()}


def _difference(
    inputs: ScoreInputs,
    state: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
    batches: int,
) -> dict[str, Tensor]:
    """H g ≈ (∇L(w + ε g) − ∇L(w − ε g)) / 2ε."""
    length = float(_norm(gradients))
    if length == 0:
        raise PruningError('the gradient is zero, so that H g is zero')
    step = _STEP * (float(_norm(weights)) or 1.0) / length
    ahead, behind = (
        loss_gradients(
            inputs,
            {**state, **{name: weights[name] + way * gradients[name] for name in weights}},
            batches,
        )[1]
        for way in (step, -step)
    )
    return {name: (ahead[name] - behind[name]) / (2 * step) for name in weights}


def _norm(tensors: Mapping[str, Tensor]) -> Tensor:
    return torch.stack([tensor.double().square().sum() for tensor in tensors.values()]).sum().sqrt()


def _exact(
    inputs: ScoreInputs,
    state: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
    gradients: Mapping[str, Tensor],
    batches: int,
) -> dict[str, Tensor]:
    """H g, by differentiating g·∇L."""
    network = inputs.network
    products = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    with temporary_weights(inputs, state, train=True) as parameters:
        for loss in network.losses(batches):
            try:
                _flow(loss, parameters, gradients).backward()
            except torch.cuda.OutOfMemoryError:
                raise
            except RuntimeError as error:
                raise _refused(reason(error)) from error
            for name, parameter in parameters.items():
                if parameter.grad is not None:
                    products[name] += parameter.grad
            for parameter in network.model.parameters():
                parameter.grad = None
    return products


def _flow(
    loss: Tensor, parameters: Mapping[str, nn.Parameter], gradients: Mapping[str, Tensor]
) -> Tensor:
    """Σ g·∇L with g held fixed, whose gradient is H g.

    That is to be taken by ``backward()``: `torch.autograd.grad` would pass over what cannot be
    differentiated twice, without a word.
    """
    once = watch_functions(loss)
    firsts = torch.autograd.grad(
        loss, list(parameters.values()), create_graph=True, allow_unused=True
    )
    if once:
        raise _refused(f'torch cannot follow the gradient of {", ".join(sorted(once))}')
    terms = [
        (gradients[name] * first).sum()
        for name, first in zip(parameters, firsts)
        if first is not None
    ]
    if not any(term.requires_grad for term in terms):
        raise PruningError('the loss is linear in the weights, so that H g is zero')
    flow = torch.stack(terms).sum()
    check_finite(flow, 'the gradient flow')
    return flow


def _refused(why: str) -> PruningError:
    return PruningError(
        f'grasp cannot differentiate this network twice ({why}); prune only what comes after that '
        "layer, take another score, or give product='difference', which is another ranking"
    )
