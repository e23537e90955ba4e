"""Running the model of a ticket once on an image, without data and without pre-trained weights."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn


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


def forward_of(model: nn.Module, height: int, width: int) -> Forward:
    """Prepares a forward pass of one image of noise; nothing runs yet.

    Args:
        model: A model of MMDetection, MMPose or MMSegmentation, or another that takes a batch of
            images.
        height: Height of the image, in pixels.
        width: Width of the image, in pixels.
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
        model: A model of MMDetection, MMPose or MMSegmentation, or another, for which there is no
            description.
        height: Height of the image, in pixels.
        width: Width of the image, in pixels.
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
    elif 'mmseg' in packages:
        from mmseg.structures import SegDataSample

        sample = SegDataSample()
    else:
        return image[None].float(), None
    size = (height, width)
    sample.set_metainfo({'img_id': 0, 'ori_shape': size, 'img_shape': size, 'pad_shape': size})
    sample.set_metainfo({'batch_input_shape': size, 'scale_factor': (1.0, 1.0)})
    sample.set_metainfo({'input_size': (width, height)})
    batch = model.data_preprocessor({'inputs': [image], 'data_samples': [sample]}, False)
    return batch['inputs'], batch['data_samples']


@contextlib.contextmanager
def _recorded_regions(model: nn.Module, regions: list[int]) -> Iterator[None]:
    """Takes down how many regions the first stage of a two-stage detector proposes."""
    first_stage = getattr(model, 'rpn_head', None)
    if first_stage is None or not hasattr(first_stage, 'predict'):
        yield
        return
    predict = first_stage.predict

    def recording(*args: Any, **kwargs: Any) -> Any:
        regions_of_images = predict(*args, **kwargs)
        regions.append(sum(len(proposals) for proposals in regions_of_images))
        return regions_of_images

    first_stage.predict = recording
    try:
        yield
    finally:
        del first_stage.predict
