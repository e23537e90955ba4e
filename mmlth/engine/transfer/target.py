"""The model that a ticket is transferred to."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.error import URLError

from mmengine.config import Config
from torch import Tensor, nn

from mmlth.engine.configs import read_config
from mmlth.engine.errors import LotteryError
from mmlth.engine.masking import choose_targets
from mmlth.engine.models import build_model, initialise
from mmlth.engine.random_numbers import own_random_numbers
from mmlth.engine.settings import parse_settings
from mmlth.pruning import Target

BACKBONE_ROLES = ('backbone', 'top')  # the latter is its last stage, on regions of interest


@dataclass(frozen=True)
class TargetModel:
    """A model as it would start training.

    Attributes:
        config: Its config.
        model: The model.
        chosen: Which of its weights may be pruned.
        seed: The seed of its initial weights.
    """

    config: Config
    model: nn.Module
    chosen: list[Target]
    seed: int

    @cached_property
    def state(self) -> dict[str, Tensor]:
        """The parameters and buffers of the model by name."""
        return {name: tensor.detach() for name, tensor in self.model.state_dict().items()}

    @property
    def prunable(self) -> list[str]:
        """The names of the weights that may be pruned."""
        return [target.name for target in self.chosen]

    @property
    def backbone(self) -> list[str]:
        """The names of the prunable weights of the backbone."""
        return [target.name for target in self.chosen if target.role in BACKBONE_ROLES]

    @property
    def sizes(self) -> dict[str, int]:
        """Number of weights of each parameter, without buffers, by name."""
        return {name: each.numel() for name, each in self.model.named_parameters()}


def build_target(
    config: str | Path | Config,
    cfg_options: Mapping[str, Any] | None,
    seed: int | None,
    initialised: bool,
) -> TargetModel:
    """Builds the model of a config.

    Args:
        config: As for `transfer`, as all that follows but the last.
        cfg_options: Changes of the config by dotted key.
        seed: The seed of the initial weights; None: the config's, else 0.
        initialised: Whether to give it the weights that it would start training with.

    Raises:
        LotteryError: If it cannot be built, or its own pre-trained weights cannot be loaded.
    """
    cfg = read_config(config, cfg_options)
    if seed is None:
        seed = int((cfg.get('randomness') or {}).get('seed') or 0)
    with own_random_numbers(seed):
        settings = parse_settings(cfg.get('lottery') or {}, cfg.get('default_scope'))
        model = build_model(cfg)
        chosen = choose_targets(model, settings)
        if initialised:
            _initialise(model, cfg)
    return TargetModel(cfg, model, chosen, seed)


def _initialise(model: nn.Module, config: Config) -> None:
    try:
        initialise(model)
    except (URLError, OSError) as error:
        of_the_whole = config.model.get('pretrained') is not None  # MMSegmentation's
        key = 'model.pretrained' if of_the_whole else 'model.backbone.init_cfg'
        raise LotteryError(
            f"the target's own pre-trained weights cannot be loaded: {error}; where the source "
            f'replaces them leave them out by cfg_options (--cfg-options) {key}=None'
        ) from error
