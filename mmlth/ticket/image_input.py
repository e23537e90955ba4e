"""What images a network was trained on: the order of colours, mean and standard deviation.

A network pruned for one input is no ticket for another. Released code fed weights for RGB images
with unscaled BGR ones, and nothing said so.
"""

from dataclasses import dataclass

from mmlth.ticket.errors import TicketError

_TOLERANCE = 0.1  # of 255


@dataclass(frozen=True)
class ImageInput:
    """What a network is shown of an image: ``(pixel − mean) / std``, pixels from 0 to 255.

    Attributes:
        order: The order of the channels as the network sees them, ``'rgb'`` or ``'bgr'``.
        mean: The mean of each channel, in that order.
        std: The standard deviation of each channel, in that order.
    """

    order: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __str__(self) -> str:
        return f'{self.order}:{_numbers(self.mean)}:{_numbers(self.std)}'

    def same(self, other: 'ImageInput') -> bool:
        """Returns whether both are the same but for rounding."""
        return (self.order, len(self.mean), len(self.std)) == (
            other.order,
            len(other.mean),
            len(other.std),
        ) and all(
            abs(a - b) <= _TOLERANCE
            for a, b in zip((*self.mean, *self.std), (*other.mean, *other.std))
        )


_MEAN, _STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
INPUTS = {
    'torchvision': ImageInput('rgb', _MEAN, _STD),
    'caffe': ImageInput('bgr', _MEAN[::-1], (1.0, 1.0, 1.0)),
    'bgr-imagenet': ImageInput('bgr', _MEAN[::-1], _STD[::-1]),
    'rgb-0-1': ImageInput('rgb', (0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    'bgr-0-255': ImageInput('bgr', (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
"""Usual inputs by name: torchvision and MoCo; Caffe and detectron2; RTMDet; SimCLR; YOLOX."""


def parse_input(text: str) -> ImageInput:
    """Reads a name of `INPUTS`, or ``ORDER:MEAN:STD`` with three numbers each.

    Raises:
        TicketError: If it is neither.

    Example:
        >>> parse_input('rgb:0,0,0:255,255,255') == INPUTS['rgb-0-1']
        True
    """
    if text in INPUTS:
        return INPUTS[text]
    parts = text.split(':')
    try:
        order, mean, std = parts[0], *(tuple(map(float, p.split(','))) for p in parts[1:])
        if order not in ('rgb', 'bgr') or len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError
    except ValueError as error:
        raise TicketError(
            f'{text!r} is no input of a network; expected {", ".join(INPUTS)}, or ORDER:MEAN:STD '
            'such as rgb:123.675,116.28,103.53:58.395,57.12,57.375 (pixels from 0 to 255)'
        ) from error
    return ImageInput(order, mean, std)


def _numbers(values: tuple[float, ...]) -> str:
    return ','.join(f'{value:g}' for value in values)
