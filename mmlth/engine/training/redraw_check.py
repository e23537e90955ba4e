"""Whether new random weights are new and random: a model may load trained ones by itself."""

from collections.abc import Collection, Mapping, Sequence

import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmlth.engine.configs import reinitialised
from mmlth.engine.errors import LotteryError
from mmlth.engine.models import build_model, initialise
from mmlth.engine.random_numbers import own_random_numbers
from mmlth.messages import join_names
from mmlth.pruning import Target, TargetError, find_targets

_SEEDS = (0, 1)
_FEW = 16
"""How many values are few: zeros, ones, identities, bilinear kernels are meant to be the same."""


def check_redrawn(config: Config, targets: Sequence[Target], what: str) -> None:
    """Refuses a model whose weights are the same whatever the seed.

    The model is built and initialised twice, as a Runner does it, with two seeds, and compared: all
    weights of its layers that are trained or pruned. One that is not pruned tells of a pre-trained
    network as well. What consists of a few values only, each many times, was not loaded.

    Args:
        config: The config of the dense training.
        targets: The prunable weights.
        what: The setting that wants new random weights.

    Raises:
        LotteryError: Naming the weights that another seed does not change, and their share.
    """
    pruned = {target.name for target in targets}
    first, second = (_initial(config, pruned, seed) for seed in _SEEDS)
    same = [name for name in first if _is_loaded(first[name], second[name])]
    if same:
        share = _count(first, same) / _count(first, first)
        raise LotteryError(
            f'{what} starts from new random weights, but {share:.1%} of the weights of layers are '
            f'the same whatever the seed ({join_names(same)}): the constructor or init_weights of '
            f'{_name(config.model.get("type"))} or of a part of it loads or fixes them, which '
            'mmlth cannot leave out as it does init_cfg=dict(type="Pretrained"); give the option '
            'of the model that loads none, or compare with another control, such as random'
        )


def _initial(config: Config, pruned: set[str], seed: int) -> dict[str, Tensor]:
    with own_random_numbers(seed):
        model = build_model(reinitialised(config, seed))
        initialise(model)
        model.train()  # some backbones freeze their first stages only here
    chosen = pruned | set(_trained(model))
    return {name: weight.detach() for name, weight in model.named_parameters() if name in chosen}


def _trained(model: nn.Module) -> list[str]:
    """The weights of layers that are trained, whatever ``lottery.targets`` leaves out."""
    try:
        return [target.name for target in find_targets(model, predictors=True)]
    except TargetError:  # there are layers of one's own alone
        return []


def _is_loaded(first: Tensor, second: Tensor) -> bool:
    few = max(1, min(_FEW, first.numel() - 1))
    return torch.equal(first, second) and len(first.unique()) > few


def _count(weights: Mapping[str, Tensor], names: Collection[str]) -> int:
    return sum(weights[name].numel() for name in names)


def _name(kind: object) -> str:
    return str(getattr(kind, '__name__', kind))  # a class in configs of the newer style
