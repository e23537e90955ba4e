"""Whether new random weights are new and random: a constructor may load trained ones by itself."""

from collections.abc import Sequence

import torch
from mmengine.config import Config
from torch import Tensor

from mmlth.engine.errors import LotteryError
from mmlth.engine.forward import initialise
from mmlth.engine.reading import build_model
from mmlth.engine.rng import rng_state, set_rng_state
from mmlth.engine.start import reinitialised
from mmlth.pruning import Target
from mmlth.wording import some

_SEEDS = (0, 1)


def check_redrawn(config: Config, targets: Sequence[Target], what: str) -> None:
    """Refuses a model whose prunable weights are the same whatever the seed.

    The model is built and initialised twice, as a Runner does it, with two seeds, and compared.
    Weights that all have one value may be meant so.

    Args:
        config: The config of the dense training.
        targets: The prunable weights.
        what: The setting that wants new random weights.

    Raises:
        LotteryError: Naming the weights that another seed does not change, and their share.
    """
    first, second = (_initial(config, targets, seed) for seed in _SEEDS)
    same = [
        target
        for target in targets
        if torch.equal(first[target.name], second[target.name])
        and bool((first[target.name] != first[target.name].flatten()[0]).any())
    ]
    if same:
        share = sum(t.numel for t in same) / sum(t.numel for t in targets)
        raise LotteryError(
            f'{what} starts from new random weights, but {share:.1%} of the prunable ones are the '
            f'same whatever the seed ({some(t.name for t in same)}): the constructor of '
            f'{config.model.get("type")} or of a part of it loads or fixes them, where mmlth '
            'cannot leave that out as it does init_cfg=dict(type="Pretrained"); give the option '
            'of the model that leaves it out, or exclude them by lottery.targets.exclude'
        )


def _initial(config: Config, targets: Sequence[Target], seed: int) -> dict[str, Tensor]:
    before = rng_state()
    try:
        torch.manual_seed(seed)
        model = build_model(reinitialised(config, seed))
        initialise(model)
    finally:
        set_rng_state(before)
    return {target.name: model.get_parameter(target.name).detach() for target in targets}
