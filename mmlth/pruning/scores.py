"""What ranks the weights: the higher the score, the longer a weight is kept."""

from collections.abc import Callable, Mapping

from torch import Tensor

Score = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]


def magnitude(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The absolute value of each weight (Han et al., 2015; both papers).

    Args:
        weights: Trained weights by name, of any floating dtype.

    Returns:
        Scores by name, of the weight's shape and dtype.
    """
    return {name: weight.detach().abs() for name, weight in weights.items()}
