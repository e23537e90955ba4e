"""The part of a model that is exported, as a function from images to outputs with names."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from mmlth.engine.errors import LotteryError
from mmlth.messages import reason
from mmlth.pruning import detach_mask
from mmlth_common.choices import PARTS

_MOST_PIXELS = 2**14
_MOST_BYTES = 2**31 - 2**25  # of weights: a protobuf file ends at 2 GiB

Outputs = dict[str, Tensor]


@dataclass(frozen=True)
class Part:
    """What is exported.

    Attributes:
        module: The whole model, without masks, in evaluation mode on the CPU.
        name: One of `PARTS`.
        compute: Computes the outputs of that part of a module from images, float32 [N, C, H, W].
    """

    module: Any
    name: str
    compute: Callable[[Any, Tensor], Outputs]

    def forward(self, images: Tensor) -> Outputs:
        """The outputs for images, float32 [N, C, H, W]."""
        return self.compute(self.module, images)

    @property
    def model(self) -> str:
        """The name of the model's class."""
        return type(self.module).__name__

    @property
    def alternative(self) -> str:
        """The end of a message that says what may work instead."""
        return '' if self.name == 'features' else ", or --part features (part='features')"


def part_of(model: nn.Module, name: str, size: tuple[int, int]) -> Part:
    """A part of a copy of a model, for images of this height and width.

    Args:
        model: A detector, segmenter or pose estimator; it stays as it is.
        name: One of `PARTS`.
        size: Height and width of images in pixels.

    Raises:
        LotteryError: If the model has no such part, or one that ONNX cannot hold, or if images
            cannot have this size.
    """
    if not all(1 <= side <= _MOST_PIXELS for side in size):
        raise LotteryError(
            f'--input-size (size) must be two numbers from 1 to {_MOST_PIXELS}, got {size[0]} '
            f'{size[1]}'
        )
    if name not in PARTS:
        raise LotteryError(f'there is no part {name!r}; it must be one of {", ".join(PARTS)}')
    module: Any = _stock_copy(model, size)
    if name == 'features':
        if not hasattr(module, 'extract_feat'):
            raise LotteryError(
                f'{type(module).__name__} has no `extract_feat`, which gives the features of '
                'detectors, segmenters and pose estimators of images'
            )
        return Part(module, name, _features)
    if getattr(module, 'roi_head', None) is not None:
        raise LotteryError(
            f'{type(module).__name__} has a second stage, which works on regions by RoI operators '
            "that ONNX lacks; export what comes before it by --part features (part='features')"
        )
    return Part(module, name, _raw_outputs)


def _features(module: Any, images: Tensor) -> Outputs:
    return _named(_as_sequence(module.extract_feat(images)), 'feat')


def _raw_outputs(module: Any, images: Tensor) -> Outputs:
    # The class's, for that of the module may be another while it is traced: see `trace`.
    return _named_by_head(module, type(module).forward(module, images, None, mode='tensor'))


def _stock_copy(model: nn.Module, size: tuple[int, int]) -> nn.Module:
    model = copy.deepcopy(model).cpu()
    detach_mask(model)
    model = revert_sync_batchnorm(model).eval()
    if sum(tensor.nbytes for tensor in model.state_dict().values()) > _MOST_BYTES:
        raise LotteryError(f'{type(model).__name__} is too large: ONNX files end at 2 GiB')
    module: Any
    for module in model.modules():
        if type(module).__name__ == 'HybridEncoder':
            # MMPose's exports a positional encoding that it must compute before.
            module.switch_to_deploy({'input_size': size})
    return model


def _as_sequence(value: Any) -> Any:
    return [value] if isinstance(value, Tensor) else value


def _named_by_head(model: nn.Module, outputs: Any) -> Outputs:
    """Outputs by the names that the head gives them where it decodes them."""
    values = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    heads = (
        getattr(model, name, None) for name in ('bbox_head', 'mask_head', 'head', 'decode_head')
    )
    for head in heads:
        names = _names_by_head(head, len(values))
        if names:
            return {k: v for name, x in zip(names, values) for k, v in _named(x, name).items()}
    return _named(outputs, 'output')


def _names_by_head(head: Any, count: int) -> list[str]:
    decode = getattr(head, 'predict_by_feat', None)
    if decode is not None:
        names = list(inspect.signature(decode).parameters)[:count]
        known = len(names) == count and not any(name.startswith('batch_') for name in names)
        return names if known else []
    codec = type(getattr(head, 'decoder', None)).__name__
    if codec.startswith('SimCC') and count == 2:
        return ['simcc_x', 'simcc_y']
    return ['heatmaps'] if codec.endswith('Heatmap') and count == 1 else []


def _named(value: Any, name: str) -> Outputs:
    """The tensors in nested sequences and dicts, numbered or named by their keys."""
    if isinstance(value, Tensor):
        return {name: value}
    if isinstance(value, dict):
        items = [(f'{name}_{key}', item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        between = '_' if name[-1].isdigit() else ''
        items = [(f'{name}{between}{i}', item) for i, item in enumerate(value)]
    else:
        return {}
    return {key: tensor for label, item in items for key, tensor in _named(item, label).items()}


def noise(part: Part, size: tuple[int, int], count: int) -> Tensor:
    """Images of noise that a part takes, always the same, float32 [count, C, H, W].

    They have three channels, or where these are an error as many as the first convolution takes.

    Args:
        part: The part of a model.
        size: Height and width of the images in pixels.
        count: How many there are.
    """
    convolutions = (m for m in part.module.modules() if isinstance(m, nn.Conv2d))
    first = next((convolution.in_channels for convolution in convolutions), 3)
    channels = 3
    if first != 3:
        try:
            with torch.no_grad():
                part.forward(torch.zeros(1, 3, *size))
        except Exception:  # whatever a model's own code raises
            channels = first
    return torch.randn(count, channels, *size, generator=torch.Generator().manual_seed(0))


def outputs_of_one(part: Part, image: Tensor) -> Outputs:
    """What a part computes from one image.

    Args:
        part: The part of a model.
        image: The image, float32 [1, C, H, W].

    Raises:
        LotteryError: If that is an error, NaN or nothing.
    """
    size = f'{image.shape[2]} × {image.shape[3]}'
    try:
        outputs = part.forward(image)
    except Exception as error:  # whatever a model's own code raises
        raise LotteryError(
            f'{part.model} computes no {part.name} from an image of {size} alone: '
            f'{reason(error)}; give another --input-size (size){part.alternative}'
        ) from error
    if not outputs or any(bool(tensor.isnan().any()) for tensor in outputs.values()):
        computed = 'NaN' if outputs else 'nothing'
        raise LotteryError(f'{part.model} computes {computed} from an image of {size}')
    return outputs
