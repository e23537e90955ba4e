"""How large the weights are."""

from torch import Tensor

from mmlth.pruning.score_inputs import ScoreInputs


def magnitude(inputs: ScoreInputs) -> dict[str, Tensor]:
    """The absolute value of each trained weight (Han et al., 2015; both papers).

    Returns:
        Scores by name, of the weight's shape and dtype.
    """
    return {name: weight.detach().abs() for name, weight in inputs.weights.items()}
