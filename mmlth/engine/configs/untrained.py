"""Configs whose models start from new random weights."""

import copy
from typing import Any

from mmengine.config import Config

from mmlth.engine.configs.parts import type_name


def reinitialised(config: Config, seed: int) -> Config:
    """The config of a training from new random weights, pre-trained ones left out.

    Args:
        config: The config of a dense training.
        seed: Another seed than the search's; it decides the initial weights and the data order.
    """
    config = copy.deepcopy(config)
    config.model = _without_pretrained(config.model)
    config.randomness = {**(config.get('randomness') or {}), 'seed': seed}
    return config


def is_pretrained(value: Any) -> bool:
    """Whether a part of a config, as an ``init_cfg`` is, loads pre-trained weights."""
    if not isinstance(value, dict):
        return False
    # PVT's init_cfg has a checkpoint and no type.
    return type_name(value) in ('Pretrained', 'PretrainedInit') or value.keys() == {'checkpoint'}


def _without_pretrained(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_without_pretrained(item) for item in value if not is_pretrained(item))
    if not isinstance(value, dict):
        return value
    return type(value)({key: _untrained(key, item) for key, item in value.items()})


def _untrained(key: str, item: Any) -> Any:
    if key == 'pretrained' and isinstance(item, bool):
        return False  # of timm, which refuses None
    if key == 'pretrained' or is_pretrained(item):
        return None
    return _without_pretrained(item)
