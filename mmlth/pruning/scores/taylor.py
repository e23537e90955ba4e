"""Taylor: what removing a weight does to the loss, squared."""

from dataclasses import dataclass

from torch import Tensor

from mmlth.pruning.score_inputs import ScoreInputs, check_place
from mmlth.pruning.scores.score import needs_at
from mmlth.pruning.scores.temporary_weights import check_count, loss_gradients


@dataclass(frozen=True)
class Taylor:
    """(g · w)², summed over batches, g being the gradient of the training loss.

    Molchanov et al., *Importance Estimation for Neural Network Pruning* (CVPR 2019): the squared
    change of the loss when a weight is removed, to first order. Each batch has its own g.

    Attributes:
        batches: Number of batches of training data.
        at: Which weights w are, ``'trained'`` (as in the paper) or ``'start'``.
    """

    batches: int = 1
    at: str = 'trained'

    def __post_init__(self) -> None:
        check_count(self, 'batches')
        check_place(self.at)

    @property
    def needs(self) -> frozenset[str]:
        """The network, and θ_k where it is evaluated there."""
        return needs_at(self.at)

    def __call__(self, inputs: ScoreInputs) -> dict[str, Tensor]:
        """Scores by name; for arguments and errors see `Score`."""
        weights, squares = loss_gradients(inputs, inputs.state(self.at), self.batches, square=True)
        return {name: squares[name] * weight.square() for name, weight in weights.items()}
