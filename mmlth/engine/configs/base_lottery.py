"""The settings of pruning base configs, for configs that cannot inherit them."""

from mmengine.config import Config, ConfigDict

from mmlth.shipped import base_config


def base_lottery(name: str = 'imp') -> ConfigDict:
    """The ``lottery`` key of a pruning base config.

    Configs of MMEngine's newer style cannot inherit from those of the older one. They write
    ``from mmlth.configs.imp import *`` under ``read_base()``, or, in any installation::

        lottery = __import__('mmlth').base_lottery('imp')

    Its keys are changed in both alike, as by ``lottery.targets.update(exclude=['neck'])``.

    Args:
        name: The NAME in ``configs/_base_/lth/NAME.py``.

    Raises:
        ValueError: If there is no such config; the message lists those there are.
    """
    return Config.fromfile(base_config(name)).lottery
