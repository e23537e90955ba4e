"""The multiply-adds of a model for an image, counted by running it once."""

from dataclasses import dataclass

from torch import nn

from mmlth.engine.errors import LotteryError
from mmlth.engine.models.forward import Forward, forward_of
from mmlth.engine.random_numbers import own_random_numbers
from mmlth.messages import reason
from mmlth.pruning import Macs, count_macs


@dataclass(frozen=True)
class ForwardMacs:
    """The MACs of a model for one image.

    Attributes:
        macs: The MACs.
        size: Height and width that the model sees, padding included.
        regions: Regions of the image that the second stage of a two-stage detector ran on: its
            MACs are in proportion to them. None for other models.
        left_out: Why the heads are not counted; None if they are.
    """

    macs: Macs
    size: tuple[int, int]
    regions: int | None
    left_out: str | None


def forward_macs(model: nn.Module, height: int, width: int) -> ForwardMacs:
    """Counts the MACs of a model for one image; no random number is drawn that anybody notices.

    Args:
        model: The model with dense weights, in evaluation mode.
        height: The height of the image in pixels.
        width: The width of the image in pixels.

    Raises:
        LotteryError: If the model cannot run on such an image.
    """
    try:
        with own_random_numbers(0):  # some models draw some while they run
            forward = forward_of(model, height, width)
            macs, left_out = _count(model, forward)
    except Exception as error:  # whatever a model's own code raises
        raise LotteryError(
            f'{type(model).__name__} cannot run on an image of {height} × {width} pixels: '
            f'{reason(error)}; if it is made for images of another size, give that'
        ) from error
    regions = forward.regions[0] if forward.regions else None
    return ForwardMacs(macs, forward.size, regions, left_out)


def _count(model: nn.Module, forward: Forward) -> tuple[Macs, str | None]:
    try:
        return count_macs(model, forward.whole), None
    except Exception as error:
        if forward.features is None:
            raise
        left_out = f'running the whole model failed ({reason(error)})'
        del forward.regions[:]
        return count_macs(model, forward.features), left_out
