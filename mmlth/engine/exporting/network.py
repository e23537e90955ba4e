"""A part of a model as a network of its own, and as a file that runtimes read."""

from torch import Tensor, nn

from mmlth.engine.exporting.part import Outputs, Part, outputs_of_one
from mmlth.engine.exporting.trace import trace, tracing_quietly
from mmlth_common.choices import OPSET


class PartNetwork(nn.Module):
    """A part of a model as a module: images in, outputs by name.

    Args:
        part: The part.
    """

    def __init__(self, part: Part) -> None:
        super().__init__()
        self.model = part.module
        self._compute = part.compute

    def forward(self, images: Tensor) -> Outputs:
        """The outputs for images, float32 [N, C, H, W]."""
        return self._compute(self.model, images)


def onnx_of(part: Part, image: Tensor) -> bytes:
    """The content of an ONNX file that takes one image of this size, and is not checked.

    Args:
        part: The part of a model.
        image: The image, float32 [1, C, H, W].

    Raises:
        LotteryError: If the part cannot be run or exported.
    """
    with tracing_quietly():
        return trace(part, image, outputs_of_one(part, image), {}, OPSET)
