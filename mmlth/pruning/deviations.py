"""State dicts with Gaussian weights: which names are deviations, and of what."""

from collections.abc import Mapping

from torch import Tensor

LOG_DEVIATION = '_mmlth_log_sigma'
"""How the name of log σ ends; before that stands the name of its weight, which is the mean.

Models have parameters of their own that end in ``log_sigma``, but none that end so.
"""


def deviations(state: Mapping[str, Tensor], mask: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """σ of each Gaussian weight, by the weight's name; 0 where it is pruned.

    Args:
        state: The state dict of a model, log σ included.
        mask: Bool tensors by name, true: kept.
    """
    result = {}
    for name, log_deviation in state.items():
        if name.endswith(LOG_DEVIATION):
            weight, deviation = name.removesuffix(LOG_DEVIATION), log_deviation.exp()
            kept = mask.get(weight)
            result[weight] = deviation if kept is None else deviation.masked_fill(~kept, 0)
    return result


def means(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict without log σ: that of the stock model.

    Args:
        state: The state dict of a model, with Gaussian weights or without.
    """
    return {name: tensor for name, tensor in state.items() if not name.endswith(LOG_DEVIATION)}
