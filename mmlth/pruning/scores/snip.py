"""SNIP: how much the loss feels that a weight is there."""

from dataclasses import dataclass

from torch import Tensor

from mmlth.pruning.score_inputs import ScoreInputs, check_place
from mmlth.pruning.scores.score import needs_at
from mmlth.pruning.scores.temporary_weights import check_count, loss_gradients


@dataclass(frozen=True)
class Snip:
    """|g ⊙ w|, g being the gradient of the training loss (Lee et al., *SNIP*, ICLR 2019).

    Equal to the loss's sensitivity to switching the weight off, to first order.

    Attributes:
        batches: Number of batches of training data that g is summed over.
        at: Which weights w are, ``'start'`` (θ_k, as in the paper) or ``'trained'``.
    """

    batches: int = 1
    at: str = 'start'

    def __post_init__(self) -> None:
        check_count(self, 'batches')
        check_place(self.at)

    @property
    def needs(self) -> frozenset[str]:
        """The network, and θ_k where it is evaluated there."""
        return needs_at(self.at)

    def __call__(self, inputs: ScoreInputs) -> dict[str, Tensor]:
        """Scores by name; for arguments and errors see `Score`."""
        weights, gradients = loss_gradients(inputs, inputs.state(self.at), self.batches)
        return {name: (gradients[name] * weight).abs() for name, weight in weights.items()}
