"""How far the weights have come since the step that training starts from.

All need the weights that training starts from.
"""

from collections.abc import Callable

from torch import Tensor

from mmlth.pruning.score_inputs import ScoreInputs
from mmlth.pruning.scores.score import needing


@needing('start')
def magnitude_increase(inputs: ScoreInputs) -> dict[str, Tensor]:
    """|w_T| − |θ_k|: how much larger each weight has become (Zhou et al., 2019).

    Zhou et al., *Deconstructing Lottery Tickets* (NeurIPS 2019), where θ_k is the initialisation.
    """
    return _compared(inputs, lambda trained, start: trained.abs() - start.abs())


@needing('start')
def movement(inputs: ScoreInputs) -> dict[str, Tensor]:
    """|w_T − θ_k|: how far each weight has moved, in whatever direction (Zhou et al., 2019).

    Not what Sanh et al. (*Movement Pruning*, NeurIPS 2020) call movement: theirs has a sign, and
    is high for a weight that moved away from zero only; see `movement_from_zero`.
    """
    return _compared(inputs, lambda trained, start: (trained - start).abs())


@needing('start')
def movement_from_zero(inputs: ScoreInputs) -> dict[str, Tensor]:
    """½ (w_T² − θ_k²): movement away from zero, after Sanh et al. (NeurIPS 2020).

    Their score adds up −η·g·w over the steps of a training, g being the gradient. Under plain
    gradient descent −η·g is the step Δw that the weight takes, and Σ w·Δw tends to this number as
    the steps become small. Momentum and weight decay count here as well; and where Sanh et al.
    change the mask during training, by a straight-through gradient, here it changes between rounds.
    """
    return _compared(inputs, lambda trained, start: (trained.square() - start.square()) / 2)


def _compared(
    inputs: ScoreInputs, compare: Callable[[Tensor, Tensor], Tensor]
) -> dict[str, Tensor]:
    start = inputs.start_weights
    return {
        name: compare(weight.detach(), start[name].detach().to(weight))
        for name, weight in inputs.weights.items()
    }
