"""Running the model of a ticket once on an image, without data and without pre-trained weights."""

import contextlib
import importlib.util
import inspect
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import revert_sync_batchnorm
from mmengine.structures import InstanceData
from mmengine.utils import get_object_from_string
from torch import Tensor, nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.reading import build_model, read_config
from mmlth.engine.start import reinitialised

_NEEDED = ('model', 'data_preprocessor', 'default_scope')
_NAME = re.compile(r'[A-Za-z]\w*(\.\w+)*')
_PACKAGES = ('mmengine', 'mmcv', 'mmdet', 'mmpose', 'mmpretrain', 'mmlth', 'torch')
_MODELS = (
    *('mmengine.model.', 'mmcv.cnn.', 'mmcv.ops.', 'mmdet.models.', 'mmpose.models.'),
    *('mmpose.codecs.', 'mmpretrain.models.', 'mmlth.', 'torch.nn.modules.'),
)
_TEACHERS = ('teacher_ckpt', 'teacher_pretrained')


@dataclass(frozen=True)
class Forward:
    """One forward pass of one image.

    Attributes:
        whole: Runs the model from the image to the outputs of its heads, without post-processing.
        features: Runs what comes before the heads, ``extract_feat``; None if the model lacks it.
        size: Height and width in pixels that the model sees: the image, padded as the model does.
        regions: How many regions of the image the second stage of a two-stage detector ran on;
            ``whole`` appends it.
    """

    whole: Callable[[], Any]
    features: Callable[[], Any] | None
    size: tuple[int, int]
    regions: list[int]


def config_of(info: Mapping[str, Any]) -> Config:
    """What a ticket tells of the config of its model.

    A ticket may come from anywhere, and a config can have any function of any package called. So
    its types must be registered names or classes that models consist of, and nothing that its
    ``custom_imports`` name is imported.

    Raises:
        LotteryError: If the ticket tells no config, or one that names anything else.
    """
    values = info.get('config')
    if not isinstance(values, dict) or not isinstance(values.get('model'), dict):
        raise LotteryError(
            'the ticket does not tell the config of its model; give it (--config of mmlth inspect '
            'and mmlth export), as a file or a name such as mmdet::FOLDER/CONFIG.py'
        )
    needed = {key: values[key] for key in _NEEDED if values.get(key) is not None}
    scopes = [needed.get('default_scope', 'mmengine'), *_values(needed, '_scope_')]
    refused = [kind for kind in _values(needed, 'type') if not _is_safe(kind)]
    refused += [scope for scope in scopes if scope not in _PACKAGES]
    if refused:
        raise LotteryError(
            f'the config in the ticket names {refused[0]!r:.60}, which is no part of a model of '
            'the OpenMMLab packages; if you trust it, give the config (--config of mmlth inspect '
            'and mmlth export)'
        )
    return read_config(Config(needed))


def stock_model(config: Config, weights: Mapping[str, Tensor] | None = None) -> nn.Module:
    """The model of a config on the CPU, in evaluation mode; nothing is downloaded.

    Args:
        config: The config.
        weights: What to load where names and shapes agree; by default weights are random, as at
            the start of a training without pre-trained ones.

    Raises:
        LotteryError: If it cannot be built.
    """
    config = reinitialised(config, 0)
    config.model = _without_teachers(config.model)
    torch.manual_seed(0)
    model: Any = revert_sync_batchnorm(build_model(config))
    if weights is None:
        initialise(model)
    else:
        own = model.state_dict()
        fitting = {k: v for k, v in weights.items() if k in own and v.shape == own[k].shape}
        model.load_state_dict(fitting, strict=False)
    model.eval()  # of some models it returns nothing
    return model


def forward_of(model: nn.Module, height: int, width: int) -> Forward:
    """Prepares a forward pass of one image of noise; nothing runs yet.

    Args:
        model: A model of MMDetection or MMPose, or another that takes a batch of images.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
    """
    inputs, samples = image_batch(model, height, width)
    regions: list[int] = []
    extract = getattr(model, 'extract_feat', None)

    def whole() -> None:
        with _recorded_regions(model, regions):
            model(inputs, samples, mode='tensor') if samples else model(inputs)

    return Forward(
        whole,
        None if extract is None else lambda: extract(inputs),
        (int(inputs.shape[-2]), int(inputs.shape[-1])),
        regions,
    )


def image_batch(model: Any, height: int, width: int) -> tuple[Tensor, list[Any] | None]:
    """A batch of one image of noise, preprocessed and described as the model's own package does.

    Args:
        model: A model of MMDetection or MMPose, or another, for which there is no description.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
    """
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=generator)
    packages = {cls.__module__.partition('.')[0] for cls in type(model).__mro__}
    sample: Any
    if 'mmdet' in packages:
        from mmdet.structures import DetDataSample

        sample = DetDataSample()
        # Some heads look for objects even where they only predict.
        nothing = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long))
        sample.gt_instances = sample.ignored_instances = nothing
    elif 'mmpose' in packages:
        from mmpose.structures import PoseDataSample

        sample = PoseDataSample()
    else:
        return image[None].float(), None
    size = (height, width)
    sample.set_metainfo({'img_id': 0, 'ori_shape': size, 'img_shape': size, 'pad_shape': size})
    sample.set_metainfo({'batch_input_shape': size, 'scale_factor': (1.0, 1.0)})
    sample.set_metainfo({'input_size': (width, height)})
    batch = model.data_preprocessor({'inputs': [image], 'data_samples': [sample]}, False)
    return batch['inputs'], batch['data_samples']


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


@contextlib.contextmanager
def _recorded_regions(model: nn.Module, regions: list[int]) -> Iterator[None]:
    """Takes down how many regions the first stage of a two-stage detector proposes."""
    first_stage = getattr(model, 'rpn_head', None)
    if first_stage is None or not hasattr(first_stage, 'predict'):
        yield
        return
    predict = first_stage.predict

    def recording(*args: Any, **kwargs: Any) -> Any:
        found = predict(*args, **kwargs)
        regions.append(sum(len(proposals) for proposals in found))
        return found

    first_stage.predict = recording
    try:
        yield
    finally:
        del first_stage.predict


def _values(config: Any, key: str) -> Iterator[Any]:
    """Whatever stands under a key anywhere in a config."""
    if isinstance(config, dict):
        for name, item in config.items():
            if name == key:
                yield item
            else:
                yield from _values(item, key)
    elif isinstance(config, (list, tuple)):
        for item in config:
            yield from _values(item, key)


def _is_safe(kind: Any) -> bool:
    """Whether a type names something registered, or a class that models consist of by its path.

    What is not registered, registries import and call: a module of this name, any function by its
    path. Some heads evaluate the type of their suppression as Python code.
    """
    if not isinstance(kind, str) or not _NAME.fullmatch(kind):
        return False
    package, dot, _ = kind.partition('.')
    if not dot:
        return importlib.util.find_spec(kind) is None
    if package not in _PACKAGES:
        return False
    found = get_object_from_string(kind)
    if found is None:  # it may be SCOPE.NAME
        return kind.count('.') == 1
    return inspect.isclass(found) and found.__module__.startswith(_MODELS)


def _without_teachers(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_without_teachers(item) for item in value)
    if not isinstance(value, dict):
        return value
    return type(value)(
        {key: None if key in _TEACHERS else _without_teachers(item) for key, item in value.items()}
    )
