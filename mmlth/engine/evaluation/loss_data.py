"""The validation data of a config, prepared so that losses can be computed on them.

Pipelines of validation prepare images for predicting. What predictions are compared with stays as
it is in the files: boxes in the coordinates of the image before it was resized, say, and no heat
maps. Losses need it as in training, so what makes it comes from the training pipeline.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from mmlth.engine.configs import all_parts, plain_loader, type_name
from mmlth.engine.errors import LotteryError

_ANNOTATIONS = re.compile(r'Load\w*Annotations')
_IMAGE = re.compile(r'Load\w*Image\w*')
_TARGETS = 'GenerateTarget'
_PACK = re.compile(r'Pack\w*Inputs')
_MOVES_IMAGES_ALONE = 'BottomupResize'


def loss_loader(config: Config) -> Any:
    """The settings of a data loader over the validation data, for a model's ``mode='loss'``.

    Every image is seen once, in order, as validation shows it: objects are loaded before the image
    is transformed, so that they are transformed with it; MMPose's targets are generated; what is
    packed is what training packs; boxes are those of the annotations, not a detector's. With
    several processes all get as many images, for which some may be seen twice: heads that average
    over the processes would wait for each other.

    Args:
        config: The user's config.

    Raises:
        LotteryError: If it has no validation data, or their pipeline makes losses impossible.
    """
    if config.get('val_dataloader') is None:
        raise LotteryError(
            'lottery.validation_loss=True needs validation data, but the config has no '
            'val_dataloader; give it one, or remove lottery.validation_loss'
        )
    loader = plain_loader(config.val_dataloader)
    training = [step for step in all_parts(config.get('train_dataloader')) if 'type' in step]
    loader['dataset'] = _for_losses(loader['dataset'], training)
    loader['sampler'] = {'type': 'DefaultSampler', 'shuffle': False, 'round_up': True}
    loader.pop('batch_sampler', None)
    # Workers that last would take up memory while nothing is validated.
    loader.update(drop_last=False, persistent_workers=False)
    return loader


def _for_losses(value: Any, training: Sequence[Any]) -> Any:
    """The settings of a data set, those within wrappers too."""
    if isinstance(value, (list, tuple)):
        return type(value)(_for_losses(item, training) for item in value)
    if not isinstance(value, Mapping):
        return value
    changed = {key: _for_losses(item, training) for key, item in value.items()}
    if changed.get('bbox_file'):
        changed['bbox_file'] = None
    if isinstance(changed.get('pipeline'), list):
        changed['pipeline'] = _pipeline(changed['pipeline'], training)
    return changed


def _pipeline(steps: list[Any], training: Sequence[Any]) -> list[Any]:
    names = [type_name(step) for step in steps]
    if _MOVES_IMAGES_ALONE in names:
        raise LotteryError(
            f'lottery.validation_loss=True: {_MOVES_IMAGES_ALONE} in the validation pipeline '
            'resizes images without their keypoints, so there is no loss to compute on them; '
            'remove lottery.validation_loss'
        )
    images = [index for index, name in enumerate(names) if _IMAGE.fullmatch(name)]
    annotations = _first(training, _ANNOTATIONS)
    if images and annotations is not None:
        after = steps[images[-1] + 1 :]
        rest = [step for step in after if not _ANNOTATIONS.fullmatch(type_name(step))]
        steps = [*steps[: images[-1] + 1], annotations, *rest]
    if not _PACK.fullmatch(type_name(steps[-1] if steps else None)):
        return steps
    targets = None if _TARGETS in names else _first(training, re.compile(_TARGETS))
    pack = _first(training, _PACK) or steps[-1]
    return [*steps[:-1], *([] if targets is None else [targets]), pack]


def _first(steps: Sequence[Any], pattern: re.Pattern[str]) -> Any:
    return next((copy.deepcopy(s) for s in steps if pattern.fullmatch(type_name(s))), None)
