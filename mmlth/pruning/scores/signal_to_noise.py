"""How sure the mean of a Gaussian weight is."""

from torch import Tensor

from mmlth.pruning.score_inputs import ScoreInputs
from mmlth.pruning.scores.score import needing


@needing('deviations')
def signal_to_noise(inputs: ScoreInputs) -> dict[str, Tensor]:
    """|μ| / σ, by which Blundell et al. (ICML 2015) and Kuhn et al. (2026) prune.

    Blundell et al., *Weight Uncertainty in Neural Networks* (https://arxiv.org/abs/1505.05424).
    The score needs weights that are Gaussian, as `add_deviations` and ``BayesianHook`` make them.
    """
    log_deviations = inputs.log_deviations
    return {
        name: mean.detach().abs() * (-log_deviations[name]).exp()
        for name, mean in inputs.weights.items()
    }
