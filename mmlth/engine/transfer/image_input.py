"""What images a model is trained on, by its config."""

from collections.abc import Mapping
from typing import Any

from mmlth.engine.configs import all_parts, type_name
from mmlth.ticket import ImageInput

_SWAPS = ('bgr_to_rgb', 'rgb_to_bgr', 'to_rgb')
"""Each swaps the channels of what is loaded, which all packages load as BGR."""


def input_of(config: Mapping[str, Any]) -> ImageInput | None:
    """What the ``data_preprocessor`` of a config makes of an image.

    Args:
        config: A config of mmdet, mmpose, mmseg or mmpretrain, or the part of one that a ticket
            holds.

    Returns:
        The input; None if the config does not tell, as where the pipeline of the data normalises
        or loads colours in another order.
    """
    model = config.get('model')
    settings = model.get('data_preprocessor') if isinstance(model, Mapping) else None
    settings = settings or config.get('data_preprocessor')
    # That of several branches, or of a tracker, wraps another.
    while isinstance(settings, Mapping) and 'data_preprocessor' in settings:
        settings = settings['data_preprocessor']
    if not isinstance(settings, Mapping) or _by_pipeline(config.get('train_dataloader')):
        return None
    order = 'rgb' if any(settings.get(key) for key in _SWAPS) else 'bgr'
    try:
        mean = tuple(float(value) for value in settings.get('mean') or (0, 0, 0))
        std = tuple(float(value) for value in settings.get('std') or (1, 1, 1))
    except (TypeError, ValueError):
        return None
    return ImageInput(order, mean, std)


def _by_pipeline(loader: Any) -> bool:
    for step in all_parts(loader):
        if 'type' not in step:
            continue
        name = type_name(step).rpartition('/')[2]  # MMPretrain names torchvision/Normalize
        if name == 'Normalize' or step.get('color_type', 'color') != 'color':
            return True
    return False
