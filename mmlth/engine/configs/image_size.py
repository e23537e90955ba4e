"""How large the images are that a model is validated on, by its config."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mmlth.engine.configs.parts import type_name, values_of

_SIZES = {
    'Resize': 'scale',
    'FixScaleResize': 'scale',
    'TopdownAffine': 'input_size',
    'BottomupResize': 'input_size',
    'CenterCrop': 'crop_size',
    'Pad': 'size',
}
"""Transforms of mmcv and of what builds on it, and which option has width and height."""
_BY_IMAGE = ('ResizeEdge', 'ResizeShortestEdge', 'RandomCenterCropPad')
"""Transforms after which the size depends on the image."""
_NESTED = 'transforms'
"""Where transforms that hand others what they get have those."""


@dataclass(frozen=True)
class ImageSize:
    """The size of validated images.

    Attributes:
        height: The height in pixels.
        width: The width in pixels.
        at_most: Whether images keep their proportions, and are this large only where these fit.
    """

    height: int
    width: int
    at_most: bool = False


def validation_size(config: Mapping[str, Any]) -> ImageSize | str:
    """The size that the pipeline of the validation data brings images to.

    A segmenter that looks at them through a sliding window sees one of the window's size.

    Args:
        config: A config, or what a ticket or ``search.json`` tells of it.

    Returns:
        The size, or why it is unknown.
    """
    window = _window(config)
    if window is not None:
        return window
    pipelines = values_of(config.get('val_dataloader'), 'pipeline')
    lists = [list(steps) for steps in pipelines if isinstance(steps, (list, tuple))]
    sizes = [size for size in dict.fromkeys(map(_size, lists)) if size is not None]
    if not sizes:
        return 'the pipeline of val_dataloader does not resize images to one size'
    if len(sizes) > 1:
        shown = ' and '.join(f'{size.height} × {size.width}' for size in sizes)
        return f'the data sets of val_dataloader have images of several sizes, {shown}'
    return sizes[0]


def _window(config: Mapping[str, Any]) -> ImageSize | None:
    """What MMSegmentation predicts at a time where it does not take images as a whole."""
    settings = (config.get('model') or {}).get('test_cfg')
    if not isinstance(settings, Mapping) or settings.get('mode') != 'slide':
        return None
    crop = _pair(settings.get('crop_size'))
    return None if crop is None else ImageSize(height=crop[0], width=crop[1])


def _size(pipeline: list[Any]) -> ImageSize | None:
    """The size that the last transform which sets one leaves behind."""
    size = None
    for step in _steps(pipeline):
        name = type_name(step).removesuffix("'>")  # of a class in the text of an old record
        if name in _BY_IMAGE or 'scale_factor' in step:
            size = None
        if name == 'Pad' and step.get('pad_to_square') and size is not None:
            side = max(size.height, size.width)
            size = ImageSize(side, side)
        given = _pair(step.get(_SIZES.get(name, '')))
        if given is not None:
            width, height = given
            keeps = name in ('Resize', 'FixScaleResize') and bool(step.get('keep_ratio'))
            size = ImageSize(height, width, keeps)
    return size


def _steps(pipeline: list[Any]) -> Iterator[Mapping[str, Any]]:
    for step in pipeline:
        if isinstance(step, Mapping):
            yield step
            if isinstance(step.get(_NESTED), (list, tuple)):
                yield from _steps(list(step[_NESTED]))


def _pair(value: Any) -> tuple[int, int] | None:
    """Width and height; a single number is both."""
    if isinstance(value, int):
        return value, value
    pair = tuple(value) if isinstance(value, (list, tuple)) else ()
    if len(pair) == 2 and all(isinstance(side, int) for side in pair):
        return pair[0], pair[1]
    return None
