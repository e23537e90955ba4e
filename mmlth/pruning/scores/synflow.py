"""SynFlow: how much of the network's synaptic strength runs through a weight."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from mmlth.pruning.score_inputs import ScoreInputs, check_place
from mmlth.pruning.scores.score import needs_at
from mmlth.pruning.scores.temporary_weights import check_count, check_finite, temporary_weights


@dataclass(frozen=True)
class Synflow:
    """∂R/∂|w| ⊙ |w|, R being the sum of the outputs for an input of ones (Tanaka et al., 2020).

    *Pruning neural networks without any data by iteratively conserving synaptic flow* (NeurIPS
    2020). All tensors of the network are replaced by their absolute values, in double precision,
    with norm layers in evaluation mode. A mask is drawn in ``iterations`` steps, in which the
    density falls geometrically, since the score tells something of its own mask only.

    Where activations saturate at large numbers, as the gates of channel attention do, no flow
    passes: weights before them have the score 0, and what stays of them is the floor.

    Attributes:
        iterations: Number of steps.
        at: Which weights w are, ``'start'`` (θ_k, as in the paper) or ``'trained'``.
    """

    iterations: int = 100
    at: str = 'start'

    dtype: ClassVar[torch.dtype] = torch.float64

    def __post_init__(self) -> None:
        check_count(self, 'iterations')
        check_place(self.at)

    @property
    def needs(self) -> frozenset[str]:
        """The network, and θ_k where it is evaluated there."""
        return needs_at(self.at)

    def __call__(self, inputs: ScoreInputs) -> dict[str, Tensor]:
        """Scores by name, float64; for arguments and errors see `Score`."""
        network = inputs.network
        known = {**dict(network.model.state_dict()), **inputs.state(self.at)}
        absolute = {name: _absolute(tensor) for name, tensor in known.items()}
        with temporary_weights(inputs, absolute, train=False, dtype=self.dtype) as parameters:
            response = network.response()
            check_finite(response, 'the sum of the outputs for an input of ones')
            response.backward()
            return {
                name: torch.zeros_like(p).detach()
                if p.grad is None
                else (p.grad * p).detach().abs()
                for name, p in parameters.items()
            }


def _absolute(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.bool else tensor.detach().abs()
