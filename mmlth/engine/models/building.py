"""Builds a model from a config, as a training of it would begin."""

import copy
import logging
from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import MODELS
from torch import Tensor, nn

from mmlth.engine.configs import reinitialised
from mmlth.engine.default_scope import enter_default_scope
from mmlth.engine.errors import explaining_missing_packages, one_line_if
from mmlth.engine.random_numbers import own_random_numbers

_TEACHERS = ('teacher_ckpt', 'teacher_pretrained')


def stock_model(config: Config, weights: Mapping[str, Tensor] | None = None) -> nn.Module:
    """The model of a config on the CPU, in evaluation mode; nothing is downloaded.

    Its random weights are always the same, and no random number is drawn that anybody notices.

    Args:
        config: The config.
        weights: What to load where names and shapes agree; by default weights are random, as at
            the start of a training without pre-trained ones.

    Raises:
        LotteryError: If it cannot be built.
    """
    config = reinitialised(config, 0)
    config.model = _without_teachers(config.model)
    with own_random_numbers(0):
        model: Any = revert_sync_batchnorm(build_model(config))
        if weights is None:
            initialise(model)
    if weights is not None:
        own = model.state_dict()
        fitting = {k: v for k, v in weights.items() if k in own and v.shape == own[k].shape}
        model.load_state_dict(fitting, strict=False)
    model.eval()  # of some models it returns nothing
    return model


def initialise(model: Any) -> None:
    """Initialises a model without a line a parameter."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        if hasattr(model, 'init_weights'):  # a Runner takes any module
            model.init_weights()
    finally:
        logger.setLevel(level)


def _without_teachers(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_without_teachers(item) for item in value)
    if not isinstance(value, dict):
        return value
    return type(value)(
        {key: None if key in _TEACHERS else _without_teachers(item) for key, item in value.items()}
    )


def build_model(config: Config) -> nn.Module:
    """Builds the model of a config as a Runner would; weights are random, nothing is loaded.

    Raises:
        LotteryError: If it needs a package that is not installed, or cannot be built.
    """
    enter_default_scope(config)
    model = copy.deepcopy(config.model)  # some constructors change what they are given
    if config.get('data_preprocessor') is not None:
        model.setdefault('data_preprocessor', config.data_preprocessor)
    with (
        one_line_if('the model cannot be built'),
        explaining_missing_packages('the model', config.filename),
    ):
        return MODELS.build(model)
